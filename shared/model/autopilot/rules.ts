/** The rules that no plan may break, whatever it would gain. */
import type { ClusterState, GuestState, HostState } from './cluster.ts'
import type { Policy } from './policy.ts'
import { freeMiB, guestsOn } from './cluster.ts'

export const obstacles = ['excluded', 'pinned', 'together', 'apart', 'coolingDown', 'memory', 'busy', 'off', 'maintenance', 'wouldBeTooBusy', 'tooLittleGain'] as const
export type Obstacle = typeof obstacles[number]

/** What has happened and is happening, as far as the rules need it. */
export interface Circumstances {
  nowMs: number
  /** When each guest moved last. */
  movedAtMs: ReadonlyMap<string, number>
  /** Hosts that take part in a migration. */
  busyHosts: ReadonlySet<string>
}

/** Why this guest may not go anywhere now; null: it may. */
export function whyNotFrom(guest: GuestState, policy: Policy, { nowMs, movedAtMs, busyHosts }: Circumstances): Obstacle | null {
  const movedAt = movedAtMs.get(guest.name)
  if (policy.excluded.includes(guest.name))
    return 'excluded'
  if (policy.pinned[guest.name] === guest.host)
    return 'pinned'
  if (movedAt !== undefined && nowMs - movedAt < policy.coolDownS * 1000)
    return 'coolingDown'
  return busyHosts.has(guest.host) ? 'busy' : null
}

/** Groups that the guest is in, each with those of its members that `state` has. */
function others(groups: readonly (readonly string[])[], guest: string, state: ClusterState): GuestState[] {
  const names = new Set(groups.filter(group => group.includes(guest)).flat())
  return names.size === 0 ? [] : state.guests.filter(({ name }) => name !== guest && names.has(name))
}

/** Why this guest may not be on that host; null: it may. `state` is the cluster without the move. */
export function whyNotOn(guest: GuestState, host: HostState, state: ClusterState, policy: Policy): Obstacle | null {
  const pin = policy.pinned[guest.name]
  if (host.power !== 'on')
    return 'off'
  if (policy.maintenance.includes(host.name))
    return 'maintenance'
  if (pin !== undefined && pin !== host.name)
    return 'pinned'
  if (others(policy.keptTogether, guest.name, state).some(other => other.host !== host.name))
    return 'together'
  if (others(policy.keptApart, guest.name, state).some(other => other.host === host.name))
    return 'apart'
  return freeMiB(state, host) - guest.memoryMiB < policy.spareMiB ? 'memory' : null
}

/** Guests that are kept together with this one, itself included, on its host. They go together or not at all. */
export function unitOf(guest: GuestState, state: ClusterState, policy: Policy): GuestState[] {
  const together = others(policy.keptTogether, guest.name, state)
  return guestsOn(state, guest.host).filter(each => each.name === guest.name || together.some(({ name }) => name === each.name))
}
