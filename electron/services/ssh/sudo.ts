/**
 * How commands run as root: directly when the user is root, else through sudo, with a password where sudo wants one.
 *
 * sudo reads a password from stdin only if it needs one, which depends on the host's rules for the very command.
 * So nothing is written until sudo asks: its prompt and the start of the command each print a random token on stderr,
 * and the caller gets the process when the second has been seen, with both tokens taken out.
 */
import type { AskSecret } from './authentication.ts'
import type { ExecResult, RemoteProcess } from './types.ts'
import { randomBytes } from 'node:crypto'
import { Me2Error } from '../../../shared/errors.ts'
import { connectionLost } from './remoteProcess.ts'

export type Elevation = { kind: 'none' | 'direct' | 'sudo' } | { kind: 'password', password: string }

export interface Account {
  user: string
  host: string
}

export type Start = (argv: readonly string[]) => Promise<RemoteProcess>
export type Run = (argv: readonly string[]) => Promise<ExecResult>

const tries = 3
const maxGreetingBytes = 16 * 1024

/**
 * Finds out how this user becomes root, asking for sudo's password if that is what is missing.
 *
 * @throws Me2Error `sudo-password` when a password was given three times and refused.
 */
export async function findElevation(start: Start, run: Run, account: Account, ask: AskSecret | undefined): Promise<Elevation> {
  const userId = await run(['id', '-u'])
  if (userId.stdout.toString('utf8').trim().split('\n').at(-1) === '0')
    return { kind: 'direct' }
  const sudo = await run(['env', 'LC_ALL=C', 'sudo', '-n', '--', 'true'])
  if (sudo.code === 0)
    return { kind: 'sudo' }
  if (ask === undefined || !sudo.stderr.includes('password is required'))
    return { kind: 'none' }
  return askForPassword(start, account, ask)
}

async function askForPassword(start: Start, account: Account, ask: AskSecret): Promise<Elevation> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const password = await ask({ kind: 'sudo', user: account.user, host: account.host })
    const result = password === undefined ? 'not-allowed' : await startWithPassword(start, account, password, ['true'])
    if (password === undefined || result === 'not-allowed')
      return { kind: 'none' }
    if (result !== 'wrong-password')
      return { kind: 'password', password }
  }
  throw passwordRefused(account)
}

/**
 * Starts a command as root.
 *
 * @throws Me2Error `not-root` when there is no way to, `sudo-password` when sudo no longer takes the password.
 */
export async function startAsRoot(start: Start, account: Account, elevation: Elevation, argv: readonly string[]): Promise<RemoteProcess> {
  switch (elevation.kind) {
    case 'none':
      throw notRoot(account)
    case 'direct':
      return start(argv)
    case 'sudo':
      return start(['sudo', '-n', '--', ...argv])
    case 'password': {
      const result = await startWithPassword(start, account, elevation.password, argv)
      if (result === 'wrong-password')
        throw passwordRefused(account)
      if (result === 'not-allowed')
        throw notRoot(account)
      return result
    }
  }
}

async function startWithPassword(start: Start, account: Account, password: string, argv: readonly string[]): Promise<RemoteProcess | 'wrong-password' | 'not-allowed'> {
  const token = randomBytes(16).toString('hex')
  const prompt = `${token}?`
  const started = `${token}!`
  const process = await start(['env', 'LC_ALL=C', 'sudo', '-S', '-k', '-p', prompt, '--', 'sh', '-c', 'printf %s "$0" >&2; exec "$@"', started, ...argv])
  let said = ''
  let prompts = 0
  for await (const chunk of process.stderr.iterator({ destroyOnReturn: false })) {
    said = (said + String(chunk)).slice(-maxGreetingBytes)
    if (said.includes(started)) {
      process.stderr.unshift(Buffer.from(said.slice(said.indexOf(started) + started.length)))
      return process
    }
    if (said.split(prompt).length - 1 > prompts && ++prompts === 1)
      process.stdin.write(`${password}\n`)
    if (prompts > 1)
      break
  }
  process.close()
  if ((await process.exit).lost)
    throw connectionLost(account.host)
  return prompts > 1 || said.includes('incorrect password') ? 'wrong-password' : 'not-allowed'
}

function notRoot({ user, host }: Account): Me2Error {
  return new Me2Error('not-root', `${user} on ${host} is not root and cannot become it through sudo.`, 'Connect as root, or allow this user sudo on the host.')
}

function passwordRefused({ user, host }: Account): Me2Error {
  return new Me2Error('sudo-password', `sudo on ${host} does not accept the password of ${user}.`, 'Try again, or connect as root.')
}
