/** What can be done over one verified connection: run commands, as the user or as root, and put files in place. */
import type { Client } from 'ssh2'
import type { AskSecret } from './authentication.ts'
import type { Elevation, Run, Start } from './sudo.ts'
import type { ExecResult, HostConnection, SshTarget } from './types.ts'
import { quoteArgv } from './quote.ts'
import { collect, connectionLost, startProcess } from './remoteProcess.ts'
import { findElevation, startAsRoot } from './sudo.ts'
import { uploadFile } from './upload.ts'

const defaultMaxBytes = 1024 * 1024
const elevationTimeoutMs = 30_000
const goodbyeMs = 2_000

/**
 * Wraps an authenticated client. `clients` are all hops, the host itself last; they end together.
 *
 * @throws Me2Error `sudo-password`, `connection-lost`.
 */
export async function openHostConnection(target: SshTarget, clients: readonly Client[], ask?: AskSecret): Promise<HostConnection> {
  const client = clients.at(-1)!
  client.setMaxListeners(0)
  const closed = new Promise<void>(resolve => client.once('close', resolve))
  const close = (): void => closeAll(clients)
  void closed.then(close)
  // `exec`: the process is the command itself, not a shell that waits for it, so its end and its signals are its own.
  const start: Start = async argv => startProcess(client, target.host, `exec ${quoteArgv(argv)}`)
  const run: Run = async argv => collectFrom(await start(argv), target, argv, { timeoutMs: elevationTimeoutMs })
  const elevation = await Promise.race([
    findElevation(start, run, target, ask),
    closed.then(() => { throw connectionLost(target.host) }),
  ])
  return hostConnection({ target, client, elevation, start, closed, close })
}

/** Says goodbye, farthest first; a host that does not answer to that is left after a moment. */
function closeAll(clients: readonly Client[]): void {
  clients.toReversed().forEach(client => client.end())
  setTimeout(() => clients.toReversed().forEach(client => client.destroy()), goodbyeMs).unref()
}

interface Parts {
  target: SshTarget
  client: Client
  elevation: Elevation
  start: Start
  closed: Promise<void>
  close: () => void
}

function hostConnection({ target, client, elevation, start, closed, close }: Parts): HostConnection {
  const spawn: HostConnection['spawn'] = async (argv, { asRoot = false } = {}) =>
    asRoot ? startAsRoot(start, target, elevation, argv) : start(argv)
  const exec: HostConnection['exec'] = async (argv, options = {}) => {
    const process = await spawn(argv, options)
    process.stdin.end(options.input ?? '')
    return collectFrom(process, target, argv, options)
  }
  return {
    target,
    root: elevation.kind !== 'none',
    exec,
    spawn,
    upload: async (bytes, remotePath, mode) => uploadFile({ client, exec, viaSudo: elevation.kind === 'sudo' || elevation.kind === 'password', host: target.host }, bytes, remotePath, mode),
    closed,
    close,
  }
}

async function collectFrom(
  process: Awaited<ReturnType<Start>>,
  target: SshTarget,
  argv: readonly string[],
  options: { maxBytes?: number, timeoutMs?: number, signal?: AbortSignal },
): Promise<ExecResult> {
  const name = argv[0] ?? ''
  return collect(process, { name, host: target.host, maxBytes: options.maxBytes ?? defaultMaxBytes, timeoutMs: options.timeoutMs, signal: options.signal })
}
