/** All that the autopilot sees of its hosts: their load, who is on, and what the guests' memory holds. */
import type { Problem } from '../../../shared/errors.ts'
import type { ClusterState, HostPower, HostState } from '../../../shared/model/autopilot/cluster.ts'
import type { KnownHost } from '../hosts/hostRegistry.ts'
import type { Explored } from './clusterState.ts'
import { asProblem } from '../migration/problems.ts'
import { clusterState } from './clusterState.ts'
import { exploreGuest } from './explore.ts'
import { HostSampler } from './hostSampler.ts'

export interface WatchedHost extends KnownHost {
  /** It stands by already. */
  standby?: boolean
}

interface Watched {
  host: KnownHost
  power: HostPower
  /** Null while it stands by. */
  sampler: HostSampler | null
  /** When it was heard last. */
  before: HostState | null
}

/** `withRate`: it was tried to find how fast the guest writes, which may take longer than anybody waits. */
interface Look { atMs: number, withRate: boolean, explored: Explored | null, problem: Problem | null }

/** A sample older than that was followed by others that were lost. */
const freshPeriods = 2
const exploreAgainMs = 600_000

export class Eyes {
  private readonly periodMs: number
  private readonly watched: ReadonlyMap<string, Watched>
  private readonly looks = new Map<string, Look>()
  private looking: Promise<void> | null = null
  private readonly shut = new AbortController()

  constructor(hosts: readonly WatchedHost[], periodMs: number) {
    this.periodMs = periodMs
    this.watched = new Map(hosts.map(({ standby = false, ...host }) => [host.name, { host, power: standby ? 'standby' : 'on', sampler: standby ? null : new HostSampler(host.handle, periodMs), before: null }]))
  }

  async close(): Promise<void> {
    this.shut.abort()
    await Promise.all([...this.watched.values()].map(async ({ sampler }) => sampler?.close()))
    await this.looking
  }

  powerOf(host: string): HostPower {
    return this.watched.get(host)!.power
  }

  /** Why a host is not heard; null: it is, or it stands by. */
  problemOf(host: string): Problem | null {
    return this.watched.get(host)!.sampler?.problem ?? null
  }

  /** As sampled last; null: not heard in time. */
  networkOf(host: string, nowMs: number): { receivedBytesPerSecond: number, sentBytesPerSecond: number } | null {
    const sample = this.isHeard(host, nowMs) ? this.watched.get(host)!.sampler!.latest : null
    return sample && { receivedBytesPerSecond: sample.load.receivedBytesPerSecond, sentBytesPerSecond: sample.load.sentBytesPerSecond }
  }

  problemOfGuest(guest: string): Problem | null {
    return this.looks.get(guest)?.problem ?? null
  }

  knownHost(name: string): KnownHost {
    return this.watched.get(name)!.host
  }

  /** It is not asked for its load any more, and no connection is kept to it. */
  async fallAsleep(host: string): Promise<void> {
    const watched = this.watched.get(host)!
    watched.power = 'standby'
    await watched.sampler?.close()
    watched.sampler = null
    await watched.host.handle.close()
  }

  /** Asks it for its load until it answers: then it is on. */
  awaken(host: string): void {
    const watched = this.watched.get(host)!
    watched.power = 'waking'
    watched.sampler ??= new HostSampler(watched.host.handle, this.periodMs)
  }

  isHeard(host: string, nowMs: number): boolean {
    const latest = this.watched.get(host)!.sampler?.latest ?? null
    return latest !== null && nowMs - latest.atMs <= freshPeriods * this.periodMs
  }

  /** Hosts that were not heard in time are missing. `lives`: where guests are that have just moved. */
  see(nowMs: number, lives: ReadonlyMap<string, string>): { state: ClusterState, doubled: string[] } {
    const heard = [...this.watched].map(([name, watched]) => {
      const sample = this.isHeard(name, nowMs) ? watched.sampler!.latest : null
      if (watched.power === 'waking' && sample)
        watched.power = 'on'
      return { name, power: watched.power, sample, before: watched.before }
    })
    const explored = new Map([...this.looks].flatMap(([guest, look]) => look.explored ? [[guest, look.explored]] : []))
    const seen = clusterState(heard, explored, lives)
    for (const host of seen.state.hosts)
      this.watched.get(host.name)!.before = host
    return seen
  }

  /** Looks into one guest at a time: first what is in use in each, then how fast they write, and all of it again now and then. */
  exploreNext({ guests }: ClusterState, nowMs: number, busyHosts: ReadonlySet<string>): void {
    if (this.looking || this.shut.signal.aborted)
      return
    const free = guests.filter(({ host }) => !busyHosts.has(host))
    const isDue = ({ atMs, withRate, problem }: Look): boolean => nowMs - atMs > exploreAgainMs || (!withRate && problem === null)
    const next = free.find(({ name }) => !this.looks.has(name)) ?? free.find(({ name }) => isDue(this.looks.get(name)!))
    if (next)
      this.looking = this.explore(next.name, next.host, this.looks.has(next.name)).finally(() => this.looking = null)
  }

  private async explore(guest: string, host: string, withRate: boolean): Promise<void> {
    const before = this.looks.get(guest)?.explored ?? null
    try {
      const { agent } = await this.knownHost(host).handle.session()
      const explored = await exploreGuest(agent, guest, { rate: withRate, signal: this.shut.signal })
      this.looks.set(guest, { atMs: performance.now(), withRate, explored: explored ?? before, problem: null })
    }
    catch (error) {
      this.looks.set(guest, { atMs: performance.now(), withRate, explored: before, problem: asProblem(error) })
    }
  }
}
