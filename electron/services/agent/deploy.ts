/**
 * Puts the agent on a host and takes it away again.
 *
 * Where: as root in /run/me2, or in /var/lib/me2 if /run forbids executables (noexec); otherwise in /tmp/me2-UID, or in
 * ~/.cache/me2. The first folder in which the agent answers is taken. The folder belongs to the user and is closed to
 * others (0700); one that belongs to somebody else, or is a link, is refused. The file is named after its content, so
 * that consoles of several versions do not disturb each other.
 */
import type { ExecResult, HostConnection } from '../ssh/types.ts'
import type { HostAgent } from './types.ts'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { agentProtocol } from '../../../shared/agent/messages.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { createHostAgent } from './hostAgent.ts'
import { parseMessage } from './parse.ts'

export interface DeployOptions {
  /** Told what is done, one sentence each. */
  log?: (line: string) => void
}

const cannotExecute = 126
const timeoutMs = 30_000

/** Makes the folder $1 and prints the SHA-256 of the file $2 in it, if there is one. Uploads that broke off go after an hour. */
const prepareScript = `
umask 077
mkdir -p "$1" || exit
if [ "$(stat -c '%u %F' "$1")" != "$(id -u) directory" ]; then
  echo "$1 belongs to somebody else" >&2
  exit 1
fi
chmod 700 "$1" || exit
find "$1" -name 'agent-*.part' -mmin +60 -exec rm -f {} +
[ ! -f "$1/$2" ] || sha256sum < "$1/$2"
`

/** Removes the agents in the folders that belong to this user, and prints what it removes. */
const removeScript = `
for folder; do
  [ "$(stat -c '%u %F' "$folder" 2>/dev/null)" = "$(id -u) directory" ] || continue
  find "$folder" -maxdepth 1 -type f -name 'agent-*' -print -exec rm -f {} +
  rmdir "$folder" 2>/dev/null
done
exit 0
`

/**
 * Brings the executable at `localPath` to the host, unless it is there already, and asks it for its version.
 *
 * @throws Me2Error `agent-missing` when it is not built here or cannot run there, `agent-protocol` when it speaks
 * another protocol, `disk-full`, `upload-damaged`, `connection-lost`, `system`.
 */
export async function deployAgent(connection: HostConnection, localPath: string, { log = () => {} }: DeployOptions = {}): Promise<HostAgent> {
  const bytes = await readExecutable(localPath)
  const hash = createHash('sha256').update(bytes).digest('hex')
  const name = `agent-${hash.slice(0, 16)}`
  let refusal = ''
  for (const folder of await foldersOf(connection)) {
    const path = `${folder}/${name}`
    if (await prepare(connection, folder, name) !== hash) {
      log(`Uploading the agent to ${path}.`)
      await connection.upload(bytes, path, 0o700)
    }
    const version = await runShell(connection, 'exec "$1" version', [path])
    if (version.code !== cannotExecute) {
      checkProtocol(version)
      return createHostAgent(connection, path)
    }
    refusal = lastLine(version.stderr)
    log(`${folder} does not allow executables.`)
    await connection.exec(['rm', '-f', path], { asRoot: connection.root, timeoutMs })
  }
  throw new Me2Error('agent-missing', `The agent cannot run on ${connection.target.host}: ${refusal}`, 'It needs Linux on x86-64, and one folder that allows executables.')
}

/** Removes every version of the agent that this user may have put there. Returns the paths. */
export async function removeAgent(connection: HostConnection): Promise<string[]> {
  const { stdout } = await runShell(connection, removeScript, await foldersOf(connection))
  return stdout.toString('utf8').split('\n').filter(path => path !== '')
}

async function readExecutable(localPath: string): Promise<Buffer> {
  try {
    return await readFile(localPath)
  }
  catch (cause) {
    throw new Me2Error('agent-missing', `The agent's executable is not there: ${localPath}.`, 'Build it: make -C resources/agent', { cause })
  }
}

async function foldersOf(connection: HostConnection): Promise<string[]> {
  if (connection.root)
    return ['/run/me2', '/var/lib/me2']
  const { stdout } = await runShell(connection, 'id -u; printf "%s\\n" "$HOME"', [])
  const [userId = '', home = ''] = stdout.toString('utf8').split('\n')
  return [`/tmp/me2-${userId}`, `${home}/.cache/me2`]
}

/** The SHA-256 of the agent that is there, or an empty string. */
async function prepare(connection: HostConnection, folder: string, name: string): Promise<string> {
  const { code, stdout, stderr } = await runShell(connection, prepareScript, [folder, name])
  if (code !== 0)
    throw new Me2Error('system', `${folder} on ${connection.target.host} cannot be used: ${lastLine(stderr)}`, 'Remove it on the host, or correct its rights.')
  return stdout.toString('latin1').slice(0, 64)
}

function checkProtocol({ stdout, stderr }: ExecResult): void {
  const line = stdout.toString('utf8').split('\n')[0] ?? ''
  const message = parseMessage(line === '' ? lastLine(stderr) : line)
  if (message.t !== 'version' || message.protocol !== agentProtocol)
    throw new Me2Error('agent-protocol', `The agent speaks protocol ${message.t === 'version' ? message.protocol : 'none'}, the console ${agentProtocol}.`, 'Build the agent that belongs to this console: make -C resources/agent')
}

async function runShell(connection: HostConnection, script: string, values: readonly string[]): Promise<ExecResult> {
  return connection.exec(['sh', '-c', script, 'sh', ...values], { asRoot: connection.root, timeoutMs })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
}
