/** The command line with everything outside it faked: lab, hosts, terminal; runs and maps go to a temporary folder. */
import type { Services } from '../../../electron/cli/command.ts'
import type { HostAgent } from '../../../electron/services/agent/types.ts'
import type { LabStatus } from '../../../electron/services/lab/types.ts'
import type { HostConnection, SshTarget } from '../../../electron/services/ssh/types.ts'
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { FakeHost } from '../migration/fakeHost.ts'
import { join } from 'node:path'
import { runCli } from '../../../electron/cli/main.ts'
import { AuditLog } from '../../../electron/services/autopilot/auditLog.ts'
import { openHostStore } from '../../../electron/services/hosts/hostStore.ts'
import { createRunStore } from '../../../electron/services/runs/runStore.ts'
import { resolveTarget } from '../../../electron/services/ssh/resolveTarget.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { FakeLab, impatient } from '../migration/fakeLab.ts'

export class FakeConsole {
  readonly guests = new FakeLab()
  readonly folder: string
  /** What happened to the lab. */
  readonly labCalls: string[] = []
  labState: LabStatus['state'] = 'running'
  /** That was asked for when it was brought up. */
  labPlan: LabPlan | undefined
  stdout = ''
  stderr = ''
  private readonly interrupts = new Set<() => void>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Runs one command line and resolves with its exit code. */
  async run(...argv: string[]): Promise<number> {
    this.stdout = ''
    this.stderr = ''
    const addTo = (stream: 'stdout' | 'stderr') => ({ write: (text: string) => this[stream] += text })
    return runCli(argv, {
      stdout: addTo('stdout'),
      stderr: { write: (text) => {
        this.stderr += text
      } },
      createServices: () => this.services(),
      onInterrupt: (action) => {
        this.interrupts.add(action)
        return () => this.interrupts.delete(action)
      },
    })
  }

  /** What stdout holds, which must be one JSON document and nothing else. */
  get document(): Record<string, unknown> {
    return JSON.parse(this.stdout) as Record<string, unknown>
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const action of this.interrupts)
      action()
  }

  status(): LabStatus {
    const host = ({ name }: FakeHost) => ({
      name, ssh: { host: name, port: 22, user: 'root' }, linkAddress: name === 'hosta' ? '10.77.0.1' : '10.77.0.2', pid: 1, alive: true, standby: false, monitorSocket: '', serialLog: '',
    })
    const running = this.labState === 'running'
    return {
      state: this.labState,
      images: [],
      hosts: running ? [host(this.guests.a), host(this.guests.b)] : [],
      guests: [{ name: 'web', profile: 'web', memoryBytes: 2 ** 28, mac: '', address: '10.77.0.12', heartbeatPort: 7701, sentence: 'A web cache.' }],
    }
  }

  private services(): Services {
    const agents = new Map<HostConnection, HostAgent>()
    return {
      lab: {
        up: async (options) => {
          this.labCalls.push('up')
          this.labPlan = options?.plan
          this.labState = 'running'
          return this.status()
        },
        down: async () => {
          this.labCalls.push('down')
          this.labState = 'stopped'
        },
        reset: async (options) => {
          this.labCalls.push(options?.image ? 'reset with image' : 'reset')
          this.labState = 'stopped'
        },
        status: async () => this.status(),
        linkCut: async () => {},
        standBy: async host => void this.labCalls.push(`stand by ${host}`),
        wake: async host => void this.labCalls.push(`wake ${host}`),
        load: async (guest, percent) => void this.labCalls.push(`load ${guest} ${percent}`),
      },
      runs: createRunStore(join(this.folder, 'runs')),
      audit: async () => AuditLog.inMemory(),
      timing: impatient,
      ownHosts: openHostStore(join(this.folder, 'hosts.json')),
      resolveTarget: spec => resolveTarget(spec, { configFile: join(this.folder, 'no-config'), home: this.folder, defaultUser: 'me' }),
      connect: async (target) => {
        const { connection, agent } = await this.hostAt(target).open()
        agents.set(connection, agent)
        return connection
      },
      deploy: async connection => agents.get(connection)!,
      removeAgent: async () => ['/run/me2/agent-0123'],
    }
  }

  private hostAt({ host }: SshTarget): FakeHost {
    const found = [this.guests.a, this.guests.b].find(({ name }) => name === host)
    if (!found)
      throw new Me2Error('host-unreachable', `${host} does not answer.`)
    return found
  }
}
