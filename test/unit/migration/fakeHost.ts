import type { AgentProcess, HostAgent } from '../../../electron/services/agent/types.ts'
import type { HostSession } from '../../../electron/services/migration/hostHandle.ts'
import type { ExecResult, HostConnection, RemoteProcess } from '../../../electron/services/ssh/types.ts'
/**
 * A host at the edge of the world: its connection and agent are scripted, everything above is the real thing.
 * A script says what one agent command does; a host can be cut off and come back.
 */
import type { AgentMessage, Domain, ProbeMessage } from '../../../shared/agent/messages.ts'
import type { ProblemCode } from '../../../shared/errors.ts'
import { Buffer } from 'node:buffer'
import { PassThrough, Readable } from 'node:stream'
import { HostHandle } from '../../../electron/services/migration/hostHandle.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { snapshotFrame } from '../memory/frames.ts'
import { domain } from '../model/messages.ts'

export const agentPath = '/run/me2/agent'

/** One agent command under way, seen from the host. */
export class FakeProcess implements AgentProcess {
  readonly args: readonly string[]
  readonly messages: AsyncIterable<AgentMessage>
  readonly exit: RemoteProcess['exit']
  /** Lines the console wrote; the key line is among them. */
  readonly lines: string[] = []
  private readonly queue = new PassThrough({ objectMode: true })
  private readonly exited = Promise.withResolvers<Awaited<RemoteProcess['exit']>>()
  private onLine: (line: string) => void = () => {}
  private onEnd: () => void = () => {}

  constructor(args: readonly string[]) {
    this.args = args
    this.messages = this.queue as AsyncIterable<AgentMessage>
    this.exit = this.exited.promise
  }

  get command(): string {
    return this.args[0]!
  }

  option(name: string): string | undefined {
    const index = this.args.indexOf(name)
    return index === -1 ? undefined : this.args[index + 1]
  }

  /** What the agent does on a line of stdin, and on its end. */
  on(does: { line?: (line: string) => void, end?: () => void }): void {
    this.onLine = does.line ?? this.onLine
    this.onEnd = does.end ?? this.onEnd
  }

  say(...messages: AgentMessage[]): this {
    for (const message of messages)
      this.queue.write(message)
    return this
  }

  finish(code = 0): void {
    this.queue.end()
    this.exited.resolve({ code, signal: null, lost: false })
  }

  /** The connection goes away under it. */
  lose(): void {
    this.queue.end()
    this.exited.resolve({ code: null, signal: null, lost: true })
  }

  /** Its output stops being JSON lines. */
  babble(): void {
    this.queue.destroy(new Me2Error('agent-protocol', 'That is no JSON.'))
  }

  send(line: string): void {
    this.lines.push(line)
    this.onLine(line)
  }

  end(): void {
    this.onEnd()
  }
}

type Script = (process: FakeProcess) => void

/** Runs until its stdin ends. */
export const untilEnd: Script = process => process.on({ end: () => process.finish() })

export function probeOf(hostname: string, change: Partial<ProbeMessage> = {}): ProbeMessage {
  return {
    t: 'probe', protocol: 1, hostname, kernel: '6.1.0-51-amd64', root: true,
    xen: { major: 4, minor: 17, extra: '.7', capabilities: 'xen-3.0-x86_64 hvm-3.0-x86_64', hvm: true, pv: true, shadow: false, hap: true },
    domctlVersion: 0x15, xl: { path: '/usr/sbin/xl', version: '4.17' }, cpus: 2, totalBytes: 2 ** 31, freeBytes: 2 ** 30, dom0Bytes: 2 ** 29,
    cpuModel: 'QEMU TCG CPU', cpuFeatures: ['sse2', 'avx2'], agentDirFreeBytes: 2 ** 24, logDirty: { hvm: true, pv: false },
    links: [{ name: 'xenbr0', address: hostname === 'hosta' ? '10.77.0.1' : '10.77.0.2', prefix: 24, speedMbit: 1000, mtu: 1500 }], problems: [], ...change,
  }
}

export class FakeHost {
  readonly name: string
  readonly handle: HostHandle
  domains: Domain[]
  probe: ProbeMessage
  /** What runs there, by process id. */
  agents = new Map<number, string[]>()
  /** Files and devices that exist. */
  files = new Set(['/sys/class/net/xenbr0'])
  guestConfig: unknown = [{ config: { nics: [{ bridge: 'xenbr0', script: '/etc/xen/scripts/vif-lab' }] } }]
  /** What the configuration store has of the guest's disks, a line each. */
  disks = ''
  /** What `disk-map` says. */
  diskMap: { stderr: string, stdout: Uint8Array, lost?: boolean } = { stderr: '', stdout: new Uint8Array() }
  /** Guests whose memory was mapped, with the options. */
  readonly mapped: string[] = []
  /** Paths that were looked at. */
  readonly lookedAt: string[] = []
  readonly scripts = new Map<string, Script>([['heartbeat', untilEnd], ['receive', untilEnd], ['migrate', untilEnd]])
  readonly started: FakeProcess[] = []
  /** Why a connection is refused; null: it is not. */
  refusal: ProblemCode | null = null
  connections = 0
  /** The newest session is open. */
  isConnected = false
  private cutConnection = (): void => {}

  constructor(name: string, domains: Domain[] = []) {
    this.name = name
    this.domains = domains
    this.probe = probeOf(name)
    this.handle = new HostHandle(name, async () => this.open())
  }

  process(command: string): FakeProcess | undefined {
    return this.started.find(process => process.command === command)
  }

  /** Every command and session ends as a lost one; `refusal` is what meets new connections. */
  cut(refusal: ProblemCode | null): void {
    this.refusal = refusal
    this.cutConnection()
    this.started.forEach(process => process.lose())
  }

  /** The guest, by whatever name it has, leaves this host's list. */
  forget(name: string): void {
    this.domains = this.domains.filter(candidate => candidate.name !== name)
  }

  /** One connection, as a new SSH session would be. */
  async open(): Promise<HostSession> {
    this.connections++
    if (this.refusal)
      throw new Me2Error(this.refusal, `${this.name} does not answer.`)
    const closed = Promise.withResolvers<void>()
    let open = true
    this.isConnected = true
    this.cutConnection = () => {
      open = false
      this.isConnected = false
      closed.resolve()
    }
    const whileOpen = <Value>(value: () => Value): Value => {
      if (!open)
        throw new Me2Error('connection-lost', `The connection to ${this.name} was lost.`)
      return value()
    }
    const connection: HostConnection = {
      target: { host: '127.0.0.1', port: 22, user: 'root' },
      root: true,
      exec: async argv => whileOpen(() => this.exec(argv)),
      spawn: async () => Promise.reject(new Error('not used')),
      upload: async () => {},
      closed: closed.promise,
      close: this.cutConnection,
    }
    const agent: HostAgent = {
      path: agentPath,
      start: async args => whileOpen(() => this.start(args)),
      request: async args => whileOpen(() => this.answer(args)),
      startBinary: async args => whileOpen(() => args[0] === 'disk-map' ? this.startDiskMap(args) : this.startMap(args)),
    }
    return { connection, agent }
  }

  private start(args: readonly string[]): FakeProcess {
    const process = new FakeProcess(args)
    this.started.push(process)
    this.scripts.get(process.command)!(process)
    return process
  }

  private answer([command]: readonly string[]): AgentMessage {
    if (command === 'domains')
      return { t: 'domains', domains: [domain('Domain-0', 'running', { domid: 0 }), ...this.domains] }
    return command === 'probe' ? this.probe : { t: 'version', protocol: 1, format: 1, agent: '0.1.0' }
  }

  private exec(argv: readonly string[]): ExecResult {
    const result = (stdout: string, code = 0): ExecResult => ({ code, signal: null, stdout: Buffer.from(stdout), stderr: '' })
    if (argv[2]?.includes('find /proc'))
      return result([...this.agents].map(([pid, args]) => `${[pid, agentPath, ...args].join('\t')}\t\n`).join(''))
    if (argv[2]?.includes('xenstore-list'))
      return result(argv[4] === String(this.domains[0]?.domid) ? this.disks : '')
    if (argv[0] === 'test')
      return result('', this.files.has(argv[2]!) ? 0 : 1)
    if (argv[0] === 'sh')
      return result('Linux\nx86_64\n6.1.0-51-amd64\nxen\ncontrol_d\n/usr/sbin/xl\n')
    return result(JSON.stringify(this.guestConfig))
  }

  private startDiskMap([, path]: readonly string[]): RemoteProcess {
    const { stderr, stdout, lost = false } = this.diskMap
    this.lookedAt.push(path!)
    return {
      stdin: new PassThrough(),
      stdout: Readable.from([stdout]),
      stderr: Readable.from([Buffer.from(stderr)]),
      exit: Promise.resolve({ code: lost ? null : 0, signal: null, lost }),
      close: () => {},
    }
  }

  private startMap(args: readonly string[]): RemoteProcess {
    const [, guest] = args
    this.mapped.push(args.slice(1).join(' '))
    return {
      stdin: new PassThrough(),
      stdout: Readable.from([snapshotFrame([1, 1, 1, 3])]),
      stderr: Readable.from([Buffer.from(`{"t":"map","guest":"${guest}","kernel":"6.1.0-51-amd64"}\n`)]),
      exit: Promise.resolve({ code: 0, signal: null, lost: false }),
      close: () => {},
    }
  }
}
