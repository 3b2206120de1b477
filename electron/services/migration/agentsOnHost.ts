/**
 * Which agent processes run on a host? Told from /proc by the executable's folder, so that nothing else of the same name
 * is meant, and another console's agent, of another version perhaps, is seen too.
 */
import type { HostSession } from './hostHandle.ts'
import { dirname } from 'node:path/posix'

export interface RunningAgent {
  pid: number
  /** Its arguments, the command first: `migrate --domain web …`. */
  args: string[]
}

const timeoutMs = 60_000
const findCannot = 3

/** Prints a line a process: its id and arguments, separated by tabs. $1: pattern of the executable's path. */
const listScript = `
find / -maxdepth 0 -lname x 2>/dev/null || exit ${findCannot}
find /proc -maxdepth 2 -name exe -lname "$1" 2>/dev/null | while read -r exe; do
  process=\${exe%/exe}
  printf '%s\\t' "\${process#/proc/}"
  tr '\\0' '\\t' < "$process/cmdline" 2>/dev/null
  echo
done
exit 0
`

/** Characters that find(1) would take as a pattern. */
function literalPattern(path: string): string {
  return path.replaceAll(/[*?[\\]/g, '\\$&')
}

function parseLine(line: string): RunningAgent[] {
  const [pid = '', _path, ...args] = line.split('\t').filter(part => part !== '')
  return /^\d+$/.test(pid) && args.length > 0 ? [{ pid: Number(pid), args }] : []
}

/** Null where the host's find(1) cannot tell. Throws `connection-lost`. */
export async function agentsOnHost({ connection, agent }: HostSession): Promise<RunningAgent[] | null> {
  // A replaced executable shows as "PATH (deleted)".
  const pattern = `${literalPattern(dirname(agent.path))}/agent*`
  const listed = await connection.exec(['sh', '-c', listScript, 'sh', pattern], { asRoot: connection.root, timeoutMs })
  return listed.code === findCannot ? null : listed.stdout.toString('utf8').split('\n').flatMap(parseLine)
}

const transportCommands: ReadonlySet<string> = new Set(['migrate', 'send', 'receive', 'disk-send', 'disk-receive'])

/** The commands that belong to a migration, or to the copy of a disk. */
export function isTransport({ args }: RunningAgent): boolean {
  return transportCommands.has(args[0] ?? '')
}

/** True if the agent is migrating this guest away. */
export function migratesGuest({ args }: RunningAgent, guest: string): boolean {
  return args[0] === 'migrate' && args[args.indexOf('--domain') + 1] === guest
}
