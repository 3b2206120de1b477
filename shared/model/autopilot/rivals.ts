/** Other rules to compare the autopilot with, as they were published or as they are commonly written. */
import type { ClusterState, GuestState, HostState } from './cluster.ts'
import type { HeatEvidence } from './hotSpots.ts'
import type { LinkFacts } from './migrationCost.ts'
import type { Move } from './planner.ts'
import type { Policy } from './policy.ts'
import { freeMiB, guestsOn, loadOf } from './cluster.ts'
import { migrationCost } from './migrationCost.ts'

export interface RivalView {
  /** As sampled last. */
  state: ClusterState
  heat: ReadonlyMap<string, HeatEvidence>
  busyHosts: ReadonlySet<string>
  link: LinkFacts
}

/** Both know nothing of explored memory: what they migrate is all of a guest's. */
function describe({ link }: RivalView, guest: GuestState, to: HostState): Move {
  return { guest: guest.name, from: guest.host, to: to.name, cost: migrationCost({ ...guest, usedMiB: null }, { ...link, encodedShare: 1 }), gainShare: 0 }
}

function fits(state: ClusterState, guest: GuestState, to: HostState): boolean {
  return freeMiB(state, to) >= guest.memoryMiB
}

/** The busiest guest of a host above the threshold goes to the least loaded host. */
export function thresholdOnly(view: RivalView, { hotShare }: Policy): Move[] {
  const { state, busyHosts } = view
  const idle = state.hosts.filter(({ name }) => !busyHosts.has(name)).toSorted((a, b) => loadOf(state, b) - loadOf(state, a))
  const [hot] = idle
  const to = idle.at(-1)
  if (!hot || !to || hot === to || loadOf(state, hot) <= hotShare)
    return []
  const guest = guestsOn(state, hot.name).filter(each => fits(state, each, to)).toSorted((a, b) => b.cores - a.cores)[0]
  return guest ? [describe(view, guest, to)] : []
}

const fullest = 0.999

/** 1 / ((1 − CPU) (1 − memory)), Sandpiper's measure of load over several resources; the network is not simulated. */
function volume(cpuShare: number, memoryShare: number): number {
  return 1 / ((1 - Math.min(fullest, cpuShare)) * (1 - Math.min(fullest, memoryShare)))
}

function hostVolume(state: ClusterState, host: HostState): number {
  return volume(loadOf(state, host), 1 - freeMiB(state, host) / host.memoryMiB)
}

/** Both keep the threshold, and each has room for the other when the lighter one goes first. */
function mayChange({ state }: RivalView, { hotShare }: Policy, hot: HostState, heavy: GuestState, target: HostState, light: GuestState): boolean {
  const shifted = heavy.cores - light.cores
  const roomAtTarget = freeMiB(state, target) + light.memoryMiB >= heavy.memoryMiB
  return shifted > 0 && fits(state, light, hot) && roomAtTarget
    && loadOf(state, target) + shifted / target.cpus <= hotShare && loadOf(state, hot) - shifted / hot.cpus <= hotShare
}

function swap(view: RivalView, policy: Policy, hot: HostState, targets: readonly HostState[]): Move[] {
  const { state } = view
  const density = ({ cores, memoryMiB }: GuestState): number => cores / memoryMiB
  const heavies = guestsOn(state, hot.name).toSorted((a, b) => density(b) - density(a))
  for (const target of targets) {
    const lights = guestsOn(state, target.name).toSorted((a, b) => density(a) - density(b))
    for (const heavy of heavies) {
      const light = lights.find(each => mayChange(view, policy, hot, heavy, target, each))
      if (light)
        return [describe(view, light, hot), describe(view, heavy, target)]
    }
  }
  return []
}

/**
 * Wood et al., Black-box and Gray-box Strategies for Virtual Machine Migration, NSDI 2007, 4.2: from the hot host with the highest
 * volume the guest with the highest volume-to-size ratio goes to the host with the lowest volume that can take it; where none can, two
 * guests change places.
 */
export function sandpiper(view: RivalView, policy: Policy): Move[] {
  const { state, heat, busyHosts } = view
  const idle = state.hosts.filter(({ name }) => !busyHosts.has(name))
  const hosts = idle.filter(({ name }) => heat.get(name)?.heat === 'hot').toSorted((a, b) => hostVolume(state, b) - hostVolume(state, a))
  for (const hot of hosts) {
    const ratio = (guest: GuestState): number => volume(guest.cores / hot.cpus, guest.memoryMiB / hot.memoryMiB) / guest.memoryMiB
    const targets = idle.filter(host => host !== hot).toSorted((a, b) => hostVolume(state, a) - hostVolume(state, b))
    for (const guest of guestsOn(state, hot.name).toSorted((a, b) => ratio(b) - ratio(a))) {
      const target = targets.find(host => fits(state, guest, host) && loadOf(state, host) + guest.cores / host.cpus <= policy.hotShare)
      if (target)
        return [describe(view, guest, target)]
    }
    const moves = swap(view, policy, hot, targets)
    if (moves.length > 0)
      return moves
  }
  return []
}
