/**
 * Opens verified SSH connections, hop by hop. Each hop's host key and each hop's user are checked on their own;
 * what runs through a jump host is encrypted end to end, the jump host sees none of it.
 */
import type { Duplex } from 'node:stream'
import type { AnyAuthMethod, ClientErrorExtensions } from 'ssh2'
import type { AuthenticationOptions } from './authentication.ts'
import type { HostKeyPolicy } from './hostKeys.ts'
import type { HostConnection, SshTarget } from './types.ts'
import ssh2 from 'ssh2'
import { Me2Error } from '../../../shared/errors.ts'
import { authenticationMethods } from './authentication.ts'
import { openHostConnection } from './connection.ts'
import { startDeadline } from './deadline.ts'
import { hostKeyAlgorithmsFor, verifyHostKey } from './hostKeys.ts'

export interface ConnectOptions extends HostKeyPolicy, AuthenticationOptions {
  /** Default: the SSH_AUTH_SOCK of this process; an empty string means none. */
  agentSocket?: string
  signal?: AbortSignal
  /** How long a host may be silent until it is reached; the user's own thinking does not count. Default 20 s. */
  timeoutMs?: number
  /** After three of these without an answer the connection is lost. Default 15 s. */
  keepaliveMs?: number
}

const keepaliveTries = 3

/**
 * Connects through all jumps, then finds out whether commands can run as root.
 * The connection is lost when any hop is.
 *
 * @throws Me2Error `host-unreachable`, `host-key-unknown`, `host-key-changed`, `host-key-revoked`, `auth-failed`,
 * `sudo-password`, `connection-lost`, `cancelled`.
 */
export async function connect(target: SshTarget, options: ConnectOptions): Promise<HostConnection> {
  const clients: ssh2.Client[] = []
  const destroyAll = (): void => clients.toReversed().forEach(client => client.destroy())
  options.signal?.addEventListener('abort', destroyAll)
  try {
    for (const hop of [...(target.jumps ?? []), target]) {
      options.signal?.throwIfAborted()
      const nearer = clients.at(-1)
      const stream = nearer && await forward(nearer, hop)
      clients.push(new ssh2.Client())
      await openClient(clients.at(-1)!, hop, stream, options)
    }
    return await openHostConnection(target, clients, options.ask)
  }
  catch (error) {
    destroyAll()
    throw options.signal?.aborted ? new Me2Error('cancelled', `Connecting to ${target.host} was cancelled.`) : error
  }
  finally {
    options.signal?.removeEventListener('abort', destroyAll)
  }
}

/** A stream to the next hop's SSH port, made by the nearer one. */
async function forward(nearer: ssh2.Client, hop: SshTarget): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    nearer.forwardOut('127.0.0.1', 0, hop.host, hop.port, (error, stream) => {
      if (error)
        reject(new Me2Error('host-unreachable', `The jump host cannot reach ${hop.host} port ${hop.port}: ${error.message}.`, 'Check the address and the firewalls between them.', { cause: error }))
      else
        resolve(stream)
    })
  })
}

/** Key exchange, host key, authentication. The first cause of a failure is the one that is thrown. */
async function openClient(client: ssh2.Client, target: SshTarget, stream: Duplex | undefined, options: ConnectOptions): Promise<void> {
  const { ask, acceptHostKey } = options
  const serverHostKey = await hostKeyAlgorithmsFor(target, options)
  const attempt = Promise.withResolvers<void>()
  const deadline = startDeadline(options.timeoutMs ?? 20_000, () => attempt.reject(unreachable(target, 'it does not answer')))
  const policy = { ...options, acceptHostKey: acceptHostKey && deadline.pausedDuring(acceptHostKey) }
  const login = startLogin(target, { agentSocket: options.agentSocket ?? process.env.SSH_AUTH_SOCK, ask: ask && deadline.pausedDuring(ask) })

  client.once('ready', attempt.resolve)
  client.once('close', () => attempt.reject(login.failure() ?? unreachable(target, 'it closed the connection')))
  client.on('error', (error: Error & ClientErrorExtensions) => {
    if (error.level !== 'agent')
      attempt.reject(login.failure() ?? unreachable(target, error.message))
  })
  client.connect({
    host: target.host,
    port: target.port,
    username: target.user,
    sock: stream,
    readyTimeout: 0,
    keepaliveInterval: options.keepaliveMs ?? 15_000,
    keepaliveCountMax: keepaliveTries,
    algorithms: { serverHostKey },
    hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
      verifyHostKey(target, key, policy).then(() => verify(true), (error: unknown) => {
        attempt.reject(error)
        client.destroy()
      })
    },
    authHandler: (left, _partial, next) => {
      login.next(left).then(next as (method: AnyAuthMethod | false) => void, attempt.reject)
    },
  })
  // Small packets go at once: requests and answers would otherwise wait for each other's acknowledgement.
  client.setNoDelay(true)
  try {
    await attempt.promise
  }
  finally {
    deadline.stop()
  }
}

interface Login {
  /** The next method to try, or false when there is none left. */
  next: (left: readonly string[] | null) => Promise<AnyAuthMethod | false>
  /** Why nobody was let in; undefined while authentication has not begun. */
  failure: () => Me2Error | undefined
}

function startLogin(target: SshTarget, options: AuthenticationOptions): Login {
  const allowed = new Set<string>()
  const tried: string[] = []
  const methods = authenticationMethods(target, options, allowed, tried)
  let begun = false
  return {
    async next(left) {
      begun = true
      allowed.clear()
      left?.forEach(method => allowed.add(method))
      const method = await methods.next()
      return method.done === true ? false : method.value
    },
    failure() {
      if (!begun)
        return undefined
      const what = tried.length > 0 ? `tried ${tried.join(', ')}` : 'there was nothing to try'
      return new Me2Error('auth-failed', `${target.host} does not let ${target.user} in: ${what}; it accepts ${[...allowed].join(', ') || 'nothing'}.`, 'Check the user name, and that a key it knows is in ~/.ssh or in the SSH agent, or give a password.')
    },
  }
}

function unreachable(target: SshTarget, reason: string): Me2Error {
  return new Me2Error('host-unreachable', `${target.host} port ${target.port} cannot be reached: ${reason}.`, 'Check the address, that the host is up, and that its SSH server runs on that port.')
}
