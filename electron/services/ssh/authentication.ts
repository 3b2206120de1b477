/**
 * How the console proves who it is, in this order: key files that need no passphrase, the SSH agent,
 * encrypted key files, keyboard-interactive, password. Encrypted files come after the agent, which often
 * holds the same key, so that nobody is asked for a passphrase without need.
 */
import type { AnyAuthMethod, Prompt } from 'ssh2'
import type { SshTarget } from './types.ts'
import { readFile } from 'node:fs/promises'
import ssh2 from 'ssh2'

/** A secret that only the user has. The answer is used once and kept nowhere. */
export type SecretQuestion
  = | { kind: 'passphrase', keyFile: string }
    | { kind: 'password' | 'sudo', user: string, host: string }
    | { kind: 'interactive', user: string, host: string, text: string, echo: boolean }

/** Undefined: the user gave up. */
export type AskSecret = (question: SecretQuestion) => Promise<string | undefined>

export interface AuthenticationOptions {
  ask?: AskSecret
  /** The SSH agent's socket. */
  agentSocket?: string
}

interface KeyFile {
  file: string
  bytes: Buffer
}

const tries = 3
const maxPromptLength = 1024

/**
 * Yields one method after another. The caller keeps `allowed` at what the server still accepts,
 * and `tried` collects what was tried, in words, for the message when nothing helped.
 */
export async function* authenticationMethods(
  target: SshTarget,
  options: AuthenticationOptions,
  allowed: ReadonlySet<string>,
  tried: string[],
): AsyncGenerator<AnyAuthMethod> {
  const username = target.user
  yield { type: 'none', username }
  const keyFiles = await readKeyFiles(target.identityFiles ?? [], tried)
  if (allowed.has('publickey')) {
    for (const { file, bytes } of keyFiles.filter(key => !isEncrypted(key))) {
      tried.push(`the key ${file}`)
      yield { type: 'publickey', username, key: bytes }
    }
  }
  if (allowed.has('publickey') && options.agentSocket !== undefined && options.agentSocket !== '') {
    tried.push('the SSH agent')
    yield { type: 'agent', username, agent: options.agentSocket }
  }
  if (options.ask !== undefined)
    yield* methodsThatAsk(target, options.ask, keyFiles.filter(isEncrypted), allowed, tried)
}

async function* methodsThatAsk(
  target: SshTarget,
  ask: AskSecret,
  encryptedKeys: readonly KeyFile[],
  allowed: ReadonlySet<string>,
  tried: string[],
): AsyncGenerator<AnyAuthMethod> {
  const username = target.user
  for (const key of allowed.has('publickey') ? encryptedKeys : []) {
    const passphrase = await askForPassphrase(key, ask)
    tried.push(`the key ${key.file}${passphrase === undefined ? ' (locked)' : ''}`)
    if (passphrase !== undefined)
      yield { type: 'publickey', username, key: key.bytes, passphrase }
  }
  if (allowed.has('keyboard-interactive')) {
    tried.push('keyboard-interactive')
    yield {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => void answer(target, prompts, ask).then(finish, () => finish([])),
    }
  }
  for (let attempt = 0; attempt < tries && allowed.has('password'); attempt++) {
    const password = await ask({ kind: 'password', user: username, host: target.host })
    if (password === undefined)
      return
    tried.push('a password')
    yield { type: 'password', username, password }
  }
}

async function readKeyFiles(files: readonly string[], tried: string[]): Promise<KeyFile[]> {
  const keys: KeyFile[] = []
  for (const file of files) {
    try {
      const bytes = await readFile(file)
      const parsed = ssh2.utils.parseKey(bytes)
      if (parsed instanceof Error && !isEncrypted({ bytes }))
        tried.push(`the key ${file} (${parsed.message})`)
      else
        keys.push({ file, bytes })
    }
    catch (error) {
      tried.push(`the key ${file} (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`)
    }
  }
  return keys
}

function isEncrypted({ bytes }: Pick<KeyFile, 'bytes'>): boolean {
  const parsed = ssh2.utils.parseKey(bytes)
  return parsed instanceof Error && /encrypted/i.test(parsed.message)
}

async function askForPassphrase(key: KeyFile, ask: AskSecret): Promise<string | undefined> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const passphrase = await ask({ kind: 'passphrase', keyFile: key.file })
    if (passphrase === undefined || !(ssh2.utils.parseKey(key.bytes, passphrase) instanceof Error))
      return passphrase
  }
  return undefined
}

async function answer(target: SshTarget, prompts: readonly Prompt[], ask: AskSecret): Promise<string[]> {
  const answers: string[] = []
  for (const { prompt, echo } of prompts)
    answers.push(await ask({ kind: 'interactive', user: target.user, host: target.host, text: prompt.slice(0, maxPromptLength), echo: echo === true }) ?? '')
  return answers
}
