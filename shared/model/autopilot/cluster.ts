/** The hosts and guests that the autopilot decides about, at one instant. Loads are in processor cores, so that hosts may differ. */

export const hostPowers = ['on', 'standby', 'waking'] as const
export type HostPower = typeof hostPowers[number]

export interface HostState {
  name: string
  /** Logical processors. */
  cpus: number
  /** That guests can have: without dom0's and Xen's own. */
  memoryMiB: number
  dom0Cores: number
  power: HostPower
}

export interface GuestState {
  name: string
  host: string
  /** That it uses now, by Xen's accounting. */
  cores: number
  /** Assigned. */
  memoryMiB: number
  /** In use, as Memory Exploration sees it; null: it was never explored. */
  usedMiB: number | null
  /** Written a second; null: not measured. */
  dirtyMiBPerSecond: number | null
}

export interface ClusterState {
  hosts: readonly HostState[]
  guests: readonly GuestState[]
}

interface Index {
  guests: ReadonlyMap<string, readonly GuestState[]>
  cores: ReadonlyMap<string, number>
  memoryMiB: ReadonlyMap<string, number>
}

/** Each state is looked at many times by one plan. */
const indexes = new WeakMap<ClusterState, Index>()

function sumBy(state: ClusterState, value: (guest: GuestState) => number): Map<string, number> {
  const sums = new Map<string, number>()
  for (const guest of state.guests)
    sums.set(guest.host, (sums.get(guest.host) ?? 0) + value(guest))
  return sums
}

function indexOf(state: ClusterState): Index {
  const known = indexes.get(state)
  if (known)
    return known
  const index = { guests: Map.groupBy(state.guests, ({ host }) => host), cores: sumBy(state, ({ cores }) => cores), memoryMiB: sumBy(state, ({ memoryMiB }) => memoryMiB) }
  indexes.set(state, index)
  return index
}

export function guestsOn(state: ClusterState, host: string): readonly GuestState[] {
  return indexOf(state).guests.get(host) ?? []
}

/** Busy share of a host's processors, 0 … 1; more than 1 when its guests ask for more than there is. */
export function loadOf(state: ClusterState, { name, cpus, dom0Cores }: HostState): number {
  return (dom0Cores + (indexOf(state).cores.get(name) ?? 0)) / cpus
}

export function freeMiB(state: ClusterState, { name, memoryMiB }: HostState): number {
  return memoryMiB - (indexOf(state).memoryMiB.get(name) ?? 0)
}

/** As it would be with the guest on another host. */
export function moved(state: ClusterState, guest: string, to: string): ClusterState {
  return { ...state, guests: state.guests.map(each => each.name === guest ? { ...each, host: to } : each) }
}
