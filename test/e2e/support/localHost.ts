/**
 * A host that is this machine, without Xen: the guest, its memory and the configuration store are made up; the agent that
 * looks at its disks is the real one, and so are the disks.
 */
import type { Console } from '../../../electron/console.ts'
import type { HostAgent } from '../../../electron/services/agent/types.ts'
import type { KnownHost } from '../../../electron/services/hosts/hostRegistry.ts'
import type { HostConnection, RemoteProcess } from '../../../electron/services/ssh/types.ts'
import type { GuestView, HostView } from '../../../shared/contract/hosts.ts'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { resourcesFolder } from '../../../electron/folders.ts'
import { HostHandle } from '../../../electron/services/migration/hostHandle.ts'
import { snapshotFrame } from '../../unit/memory/frames.ts'
import { domain } from '../../unit/model/messages.ts'

export interface LocalGuest {
  name: string
  /** As the store has them, by the guest's name of each. */
  disks: Readonly<Record<string, string>>
}

const agentPath = join(resourcesFolder, 'agent', 'build', 'agent')
const hostName = 'here'
const pages = 65_536
const memoryBytes = pages * 4096

function storeRows({ disks }: LocalGuest, domid: number): string {
  return Object.entries(disks)
    .map(([name, served], index) => `${name}\tw\t/local/domain/0/backend/qdisk/${domid}/${51_712 + 16 * index}\t${served}\t\t\n`)
    .join('')
}

function run(args: readonly string[]): RemoteProcess {
  const child = spawn(agentPath, args)
  const exit = Promise.withResolvers<Awaited<RemoteProcess['exit']>>()
  child.on('close', (code, signal) => exit.resolve({ code, signal, lost: false }))
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit: exit.promise, close: () => void child.kill() }
}

/** A map that is followed until it is closed; nothing in it changes. */
function stillMap(): RemoteProcess {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = Promise.withResolvers<Awaited<RemoteProcess['exit']>>()
  stderr.write('{"t":"map","kernel":"6.1.0"}\n')
  stdout.write(snapshotFrame(Array.from({ length: pages }, (_, page) => page < pages / 2 ? 1 : 3 + Math.floor(page / 512) % 10)))
  const close = (): void => {
    stdout.end()
    stderr.end()
    exit.resolve({ code: 0, signal: null, lost: false })
  }
  return { stdin: new PassThrough(), stdout, stderr, exit: exit.promise, close }
}

/** From now on the console knows this host, and nothing else is asked of it than what a map needs. */
export function playLocalHost(console: Console, guests: readonly LocalGuest[]): void {
  const domains = guests.map(({ name }, index) => domain(name, 'running', { domid: index + 1, memoryBytes }))
  const connection: Pick<HostConnection, 'target' | 'root' | 'exec' | 'closed' | 'close'> = {
    target: { host: hostName, port: 22, user: 'root' },
    root: true,
    exec: async argv => ({ code: 0, signal: null, stdout: Buffer.from(storeRows(guests[Number(argv.at(-1)) - 1]!, Number(argv.at(-1)))), stderr: '' }),
    closed: new Promise(() => {}),
    close: () => {},
  }
  const agent: Pick<HostAgent, 'path' | 'request' | 'startBinary'> = {
    path: agentPath,
    request: async () => ({ t: 'domains', domains }),
    startBinary: async args => args[0] === 'map' ? stillMap() : run(args),
  }
  const handle = new HostHandle(hostName, async () => ({ connection: connection as HostConnection, agent: agent as HostAgent }))
  const known: KnownHost = { name: hostName, lab: 'own', handle, linkAddress: null }
  const guestViews = domains.map(({ domid, name, kind, state, vcpus }): GuestView => ({ domid, name, kind, state, memoryBytes, vcpus, workload: null }))
  const view: HostView = { name: hostName, address: hostName, lab: 'own', state: 'off', problem: null, checks: null, checkedAt: null, facts: null, agent: null, guests: guestViews }
  console.hosts.connectedHost = () => known
  console.hosts.hosts.set([view])
}
