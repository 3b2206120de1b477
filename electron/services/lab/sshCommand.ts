/** Runs commands on lab hosts with the system's ssh: enough to start guests, where the console's own SSH service is not at hand. */
import type { ExecFileException } from 'node:child_process'
import type { SshTarget } from '../ssh/types.ts'
import type { CommandResult, RunOnHost } from './types.ts'
import { execFile } from 'node:child_process'
import { Me2Error } from '../../../shared/errors.ts'
import { toolEnvironment } from './tools.ts'

const maxOutputBytes = 1024 * 1024
/** ssh's own failures; see ssh(1), EXIT STATUS. */
const sshFailed = 255

function quote(word: string): string {
  return `'${word.replaceAll('\'', '\'\\\'\'')}'`
}

/** Trusts the target's known_hosts files and keys, and nothing of the user's own configuration. */
function sshArguments(target: SshTarget, argv: readonly string[]): string[] {
  const knownHosts = (target.knownHostsFiles ?? []).map(file => `"${file}"`).join(' ')
  const options = [`UserKnownHostsFile=${knownHosts}`, 'GlobalKnownHostsFile=/dev/null', 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes', 'BatchMode=yes', 'ConnectTimeout=10', 'LogLevel=ERROR']
  return [
    '-F', 'none', '-x',
    ...options.flatMap(option => ['-o', option]),
    ...(target.identityFiles ?? []).flatMap(file => ['-i', file]),
    '-p', `${target.port}`, `${target.user}@${target.host}`,
    argv.map(quote).join(' '),
  ]
}

export const runOverSsh: RunOnHost = async (target, argv, { timeoutMs = 60_000, signal } = {}) => {
  const result = await new Promise<CommandResult>((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: maxOutputBytes, env: toolEnvironment(), signal }
    execFile('ssh', sshArguments(target, argv), options, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr }))
  })
  signal?.throwIfAborted()
  if (result.code === sshFailed)
    throw new Me2Error('host-unreachable', `No SSH connection to ${target.host}:${target.port}: ${result.stderr.trim().slice(0, 300)}`, 'Look at the lab\'s state.')
  return result
}
