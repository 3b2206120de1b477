/** Questions that only a person can answer, from wherever they arise to whoever looks. Answers are passed on and forgotten, unless the user keeps one. */
import type { AskSecret, SecretQuestion } from '../ssh/authentication.ts'
import type { HostKeyQuestion } from '../ssh/hostKeys.ts'
import { randomUUID } from 'node:crypto'
import { Watched } from '../watched.ts'

/** Where the system has a keyring: secrets that the user asked to keep (electron/shell/secretStore.ts). */
export interface SecretStore {
  /** False: nothing can be kept, and the screen does not offer it. */
  readonly available: boolean
  get: (key: string) => Promise<string | undefined>
  set: (key: string, value: string) => Promise<void>
  remove: (key: string) => Promise<void>
}

export type Question = { id: string } & (SecretQuestion | ({ kind: 'hostKey' } & HostKeyQuestion))

interface Answer {
  text: string | null
  keep: boolean
}

/** Nobody waits at a host longer than this; most hosts hang up before. */
const patienceMs = 120_000
/** A kept secret that is asked for again this soon was wrong. */
const refusedWithinMs = 60_000

/** Null: an answer to such a question is not worth keeping. */
function keyOf(question: SecretQuestion): string | null {
  switch (question.kind) {
    case 'passphrase': return `passphrase ${question.keyFile}`
    case 'password':
    case 'sudo': return `${question.kind} ${question.user}@${question.host}`
    case 'interactive': return null
  }
}

export class QuestionBoard {
  /** All open ones, oldest first. */
  readonly open = new Watched<Question[]>([])
  private readonly secrets: SecretStore | null
  private readonly answers = new Map<string, (answer: Answer) => void>()
  private readonly givenAtMs = new Map<string, number>()

  constructor(secrets: SecretStore | null = null) {
    this.secrets = secrets
  }

  get canKeep(): boolean {
    return this.secrets?.available ?? false
  }

  private async ask(question: SecretQuestion | ({ kind: 'hostKey' } & HostKeyQuestion)): Promise<Answer> {
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const timer = setTimeout(resolve, patienceMs, { text: null, keep: false })
    this.answers.set(id, resolve)
    this.open.set([...this.open.value, { ...question, id }])
    try {
      return await promise
    }
    finally {
      clearTimeout(timer)
      this.answers.delete(id)
      this.open.set(this.open.value.filter(each => each.id !== id))
    }
  }

  /** Null: the user gave up. An id that is not open any more is passed over. */
  answer(id: string, text: string | null, keep = false): void {
    this.answers.get(id)?.({ text, keep })
  }

  /** A kept secret answers by itself, once; asked again at once it was wrong, and is forgotten. */
  readonly askSecret: AskSecret = async (question) => {
    const key = keyOf(question)
    const kept = key === null ? undefined : await this.keptSecret(key)
    if (kept !== undefined)
      return kept
    const { text, keep } = await this.ask(question)
    if (keep && key !== null && text !== null)
      await this.secrets?.set(key, text)
    return text ?? undefined
  }

  private async keptSecret(key: string): Promise<string | undefined> {
    const now = performance.now()
    const given = this.givenAtMs.get(key)
    if (given !== undefined && now - given < refusedWithinMs)
      await this.secrets?.remove(key)
    const secret = await this.secrets?.get(key)
    if (secret !== undefined)
      this.givenAtMs.set(key, now)
    return secret
  }

  async acceptHostKey(question: HostKeyQuestion): Promise<boolean> {
    return (await this.ask({ kind: 'hostKey', ...question })).text === 'yes'
  }

  /** Nobody is left to answer. */
  close(): void {
    for (const resolve of this.answers.values())
      resolve({ text: null, keep: false })
  }
}
