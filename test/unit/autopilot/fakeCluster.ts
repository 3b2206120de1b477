import type { WatchedHost } from '../../../electron/services/autopilot/eyes.ts'
/** Two scripted hosts that tell loads on a clock that the test turns, under the real autopilot. */
import type { AutopilotStart } from '../../../electron/services/autopilot/flight.ts'
import type { RunStore } from '../../../electron/services/runs/runStore.ts'
import type { LoadMessage } from '../../../shared/agent/messages.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import type { FakeHost, FakeProcess } from '../migration/fakeHost.ts'
import { vi } from 'vitest'
import { AuditLog } from '../../../electron/services/autopilot/auditLog.ts'
import { Autopilot } from '../../../electron/services/autopilot/autopilot.ts'
import { policySchema, samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { untilEnd } from '../migration/fakeHost.ts'
import { FakeLab, impatient } from '../migration/fakeLab.ts'
import { domain } from '../model/messages.ts'

export const samplesToWarmUp = 6
/** Real time, in which everything scripted comes to its end, files being written among it. */
const settleMs = 4
const realTimeout = setTimeout

/** Cores that a host and each of its guests use. */
export interface Usage { dom0: number, guests: Record<string, number> }

export class FakeCluster {
  readonly lab = new FakeLab()
  readonly audit = AuditLog.inMemory()
  readonly autopilot: Autopilot
  readonly switched: string[] = []
  /** Hosts that stand by at the start. */
  readonly resting = new Set<string>()
  /** Hosts that say nothing. */
  readonly silent = new Set<string>()
  usage: Record<string, Usage> = { hosta: { dom0: 0.1, guests: { web: 0.8, db: 0.8 } }, hostb: { dom0: 0.1, guests: {} } }
  policy: Policy = policySchema.parse({ warmUp: samplesToWarmUp, excluded: ['db'] })
  isBusy = false
  private atNs = 1e9
  private readonly counters = new Map<string, number>()

  constructor(runs: RunStore) {
    this.lab.a.domains = [domain('web'), domain('db', 'running', { domid: 9 })]
    for (const host of this.hosts) {
      host.scripts.set('load', untilEnd)
      host.scripts.set('hold', (process) => {
        untilEnd(process)
        process.say({ t: 'held' })
      })
    }
    this.autopilot = new Autopilot({
      audit: this.audit, runs, timing: impatient, owner: 'a test',
      policy: () => this.policy,
      settings: () => ({ encoding: presets.best, link: 'sealed', rateMbit: null, verify: true, scrub: true }),
      labGuest: () => null,
      power: () => ({ standBy: async host => void this.switched.push(`${host} off`), wake: async host => void this.switched.push(`${host} on`) }),
      isBusy: () => this.isBusy,
      onRun: () => {},
    })
  }

  get hosts(): FakeHost[] {
    return [this.lab.a, this.lab.b]
  }

  get kinds(): string[] {
    return this.audit.entries.map(({ kind }) => kind)
  }

  get migrations(): FakeProcess[] {
    return this.hosts.flatMap(host => host.started.filter(({ command }) => command === 'migrate'))
  }

  async start(how: Partial<AutopilotStart> = {}): Promise<void> {
    const known = ({ name, handle }: FakeHost): WatchedHost => ({ name, handle, standby: this.resting.has(name), lab: 'boxed', linkAddress: name === 'hosta' ? '10.77.0.1' : '10.77.0.2' })
    await this.autopilot.start({ hosts: this.hosts.map(known), mode: 'auto', dryRun: false, ...how })
    await settle()
  }

  /** So many sample periods pass. */
  async pass(periods: number): Promise<void> {
    for (let i = 0; i < periods; i++) {
      this.atNs += samplePeriodMs * 1e6
      for (const host of this.hosts) {
        const sample = this.sample(host)
        if (!this.silent.has(host.name))
          host.started.findLast(({ command }) => command === 'load')?.say(sample)
      }
      await settle()
      await vi.advanceTimersByTimeAsync(samplePeriodMs)
      await settle()
    }
  }

  private sample({ name }: FakeHost): LoadMessage {
    const { dom0, guests } = this.usage[name]!
    const grown = (key: string, cores: number): number => {
      const counter = (this.counters.get(key) ?? 1e9) + cores * samplePeriodMs * 1e6
      this.counters.set(key, counter)
      return counter
    }
    const cores = dom0 + Object.values(guests).reduce((sum, each) => sum + each, 0)
    return {
      t: 'load', ns: this.atNs, cpuBusyNs: grown(name, cores), cpus: 2, freeBytes: 2 ** 31, totalBytes: 2 ** 32, netRxBytes: 0, netTxBytes: 0,
      domains: [
        { domid: 0, name: 'Domain-0', cpuNs: grown(`${name} dom0`, dom0), memoryBytes: 2 ** 29 },
        ...Object.entries(guests).map(([guest, each], i) => ({ domid: i + 1, name: guest, cpuNs: grown(`${name} ${guest}`, each), memoryBytes: 2 ** 28 })),
      ],
    }
  }
}

export async function settle(ms = settleMs): Promise<void> {
  await new Promise(resolve => realTimeout(resolve, ms))
}
