/** From what the hosts told to the state that the planner decides on. Pure. */
import type { HostLoad } from '../../../shared/contract/hosts.ts'
import type { ClusterState, GuestState, HostPower, HostState } from '../../../shared/model/autopilot/cluster.ts'
import type { HostSample } from './hostSampler.ts'

/** What Memory Exploration found in a guest. */
export interface Explored {
  usedMiB: number
  dirtyMiBPerSecond: number | null
}

export interface HeardHost {
  name: string
  power: HostPower
  /** Null: it was not heard in time. */
  sample: HostSample | null
  /** As it was when it was heard last; a host that stands by is still known by it. */
  before: HostState | null
}

const mebibyte = 1024 ** 2
const dom0 = 0

type LoadedDomain = HostLoad['domains'][number]

/** What xl calls the two halves of a guest that is on its way. */
function isHalf(name: string): boolean {
  return name.endsWith('--incoming') || name.endsWith('--migratedaway')
}

function guestsOf({ load }: HostSample): LoadedDomain[] {
  return load.domains.filter(({ domid, name }) => domid !== dom0 && !isHalf(name))
}

function hostState(name: string, power: HostPower, sample: HostSample): HostState {
  const guests = guestsOf(sample)
  const guestCores = guests.reduce((sum, { cpuShare }) => sum + cpuShare, 0)
  const guestBytes = guests.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
  return {
    name,
    power,
    cpus: sample.cpus,
    memoryMiB: Math.floor((sample.freeBytes + guestBytes) / mebibyte),
    // all that is not a guest's: dom0, Xen itself, and the halves of guests under way
    dom0Cores: Math.max(0, sample.load.cpuShare * sample.cpus - guestCores),
  }
}

/** One that has stood by since before anybody looked: it can be woken, and is known then. */
function unknownHost(name: string): Omit<HostState, 'power' | 'dom0Cores'> {
  return { name, cpus: 1, memoryMiB: 0 }
}

function guestState({ name, cpuShare, memoryBytes }: LoadedDomain, host: string, explored: Explored | undefined): GuestState {
  return { name, host, cores: cpuShare, memoryMiB: Math.ceil(memoryBytes / mebibyte), usedMiB: explored?.usedMiB ?? null, dirtyMiBPerSecond: explored?.dirtyMiBPerSecond ?? null }
}

/**
 * Hosts that are on and were not heard are missing. Two samples of different age may show a guest that has just moved on both hosts:
 * `lives` says where it is. Any other name that two hosts have is of two guests, which nobody can tell apart: they are `doubled`, and
 * missing.
 */
export function clusterState(hosts: readonly HeardHost[], explored: ReadonlyMap<string, Explored>, lives: ReadonlyMap<string, string>): { state: ClusterState, doubled: string[] } {
  const on = hosts.flatMap(({ name, power, sample }) => power === 'on' && sample ? [{ name, power, sample }] : [])
  const resting = hosts.flatMap(({ name, power, before }) => power === 'on' ? [] : [{ ...before ?? unknownHost(name), power, dom0Cores: 0 }])
  const all = on.flatMap(({ name, sample }) => guestsOf(sample).map(guest => guestState(guest, name, explored.get(guest.name))))
  const known = all.filter(({ name, host }) => lives.get(name) === undefined || lives.get(name) === host)
  const byName = Map.groupBy(known, ({ name }) => name)
  return {
    state: {
      hosts: [...on.map(({ name, power, sample }) => hostState(name, power, sample)), ...resting],
      guests: known.filter(({ name }) => byName.get(name)!.length === 1),
    },
    doubled: [...byName].filter(([, guests]) => guests.length > 1).map(([name]) => name),
  }
}
