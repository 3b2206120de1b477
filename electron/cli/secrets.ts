import type { ReadStream } from 'node:tty'
/** Asks for a secret on the terminal without showing it. Where there is no terminal nobody is asked. */
import type { AskSecret, SecretQuestion } from '../services/ssh/authentication.ts'

const maxSecretLength = 1024
const enter = /^[\r\n]$/
const interrupt = '\u0003'
const endOfFile = '\u0004'
const backspaces = ['\b', '\u007F']

function promptOf(question: SecretQuestion): string {
  switch (question.kind) {
    case 'passphrase': return `Passphrase of ${question.keyFile}: `
    case 'password': return `Password of ${question.user}@${question.host}: `
    case 'sudo': return `sudo password of ${question.user} on ${question.host}: `
    case 'interactive': return `${question.user}@${question.host}: ${question.text}`
  }
}

/** Undefined when the user gives up with Ctrl-C or Ctrl-D. */
async function readHidden(input: ReadStream): Promise<string | undefined> {
  let typed = ''
  for await (const chunk of input.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    for (const key of chunk) {
      if (enter.test(key))
        return typed
      if (key === interrupt || key === endOfFile)
        return undefined
      typed = backspaces.includes(key) ? typed.slice(0, -1) : (typed + key).slice(0, maxSecretLength)
    }
  }
  return undefined
}

/** One question at a time, however many hosts ask. */
export function createAskSecret(input: ReadStream, write: (text: string) => void): AskSecret | undefined {
  if (!input.isTTY)
    return undefined
  let turn: Promise<unknown> = Promise.resolve()
  const ask = async (question: SecretQuestion): Promise<string | undefined> => {
    // Control characters that a host may put into its prompt would move the cursor.
    write(promptOf(question).replaceAll(/\p{Cc}/gu, ' '))
    input.setRawMode(true)
    input.setEncoding('utf8')
    try {
      return await readHidden(input)
    }
    finally {
      input.setRawMode(false)
      input.pause()
      write('\n')
    }
  }
  return async (question) => {
    const answer = turn.then(async () => ask(question))
    turn = answer.catch(() => {})
    return answer
  }
}
