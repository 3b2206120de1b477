/** What the autopilot keeps from one sample to the next, and how it comes from samples to a plan. Pure: each look makes a new mind. */
import type { ClusterState, HostState } from './cluster.ts'
import type { LoadHistory } from './history.ts'
import type { HeatEvidence } from './hotSpots.ts'
import type { Plan, Situation } from './planner.ts'
import type { Policy } from './policy.ts'
import { isStale, noHistory, withSample } from './history.ts'
import { judgeHosts } from './hotSpots.ts'
import { emptiable, plan } from './planner.ts'

export interface Mind {
  history: LoadHistory
  heat: ReadonlyMap<string, HeatEvidence>
  /** The newest sample with averaged loads; null: none yet. */
  state: ClusterState | null
  movedAtMs: ReadonlyMap<string, number>
  packsSinceMs: number | null
}

export const newMind: Mind = { history: noHistory, heat: new Map(), state: null, movedAtMs: new Map(), packsSinceMs: null }

/** Of the newest sample in an average; about as far back as the samples that make a host hot. */
const newestWeight = 0.25

function averaged(before: ClusterState | null, now: ClusterState): ClusterState {
  const cores = new Map(before?.guests.map(guest => [guest.name, guest.cores]))
  const dom0 = new Map(before?.hosts.map(host => [host.name, host.dom0Cores]))
  const mix = (old: number | undefined, fresh: number): number => old === undefined ? fresh : old + newestWeight * (fresh - old)
  return {
    hosts: now.hosts.map(host => ({ ...host, dom0Cores: mix(dom0.get(host.name), host.dom0Cores) })),
    guests: now.guests.map(guest => ({ ...guest, cores: mix(cores.get(guest.name), guest.cores) })),
  }
}

/** What a migration takes of dom0 says nothing of how busy the host is without it: there dom0 counts as it did before. */
function withoutMigrations(before: ClusterState | null, now: ClusterState, busyHosts: ReadonlySet<string>): ClusterState {
  const dom0 = new Map(before?.hosts.map(host => [host.name, host.dom0Cores]))
  return { ...now, hosts: now.hosts.map(host => busyHosts.has(host.name) ? { ...host, dom0Cores: Math.min(host.dom0Cores, dom0.get(host.name) ?? host.dom0Cores) } : host) }
}

/** With one sample more; hosts that did not answer are missing from `seen`. `busyHosts`: they take part in migrations. */
export function look(mind: Mind, atMs: number, seen: ClusterState, policy: Policy, busyHosts: ReadonlySet<string>): Mind {
  const state = withoutMigrations(mind.state, seen, busyHosts)
  const history = withSample(mind.history, atMs, state)
  const goesOn = history.samples > 1
  const hotBefore = [...mind.heat].filter(([, { heat }]) => heat === 'hot').map(([host]) => host)
  const average = averaged(goesOn ? mind.state : null, state)
  const packs = policy.savesPower && emptiable(average, policy) !== null
  return {
    history,
    heat: judgeHosts(history, policy, new Set(goesOn ? hotBefore : [])),
    state: average,
    movedAtMs: mind.movedAtMs,
    packsSinceMs: packs ? (goesOn ? mind.packsSinceMs : null) ?? atMs : null,
  }
}

function shifted(loads: LoadHistory['loads'], host: HostState | undefined, cores: number): LoadHistory['loads'] {
  const series = host && loads.get(host.name)
  return series ? new Map(loads).set(host.name, series.map(load => load === null ? null : Math.max(0, load + cores / host.cpus))) : loads
}

/**
 * After a guest has arrived. What the two hosts were seen to do before is counted as if it had been there all along: otherwise a
 * host that has just been relieved would still be hot, and relieved once more.
 */
export function withMoved(mind: Mind, guest: string, to: string, atMs: number): Mind {
  const movedAtMs = new Map(mind.movedAtMs).set(guest, atMs)
  const was = mind.state?.guests.find(({ name }) => name === guest)
  if (!was || was.host === to)
    return { ...mind, movedAtMs }
  const host = (name: string): HostState | undefined => mind.state!.hosts.find(each => each.name === name)
  const loads = shifted(shifted(mind.history.loads, host(was.host), -was.cores), host(to), was.cores)
  return { ...mind, movedAtMs, history: { ...mind.history, loads } }
}

/** On old samples nothing is done. */
export function decide(mind: Mind, nowMs: number, policy: Policy, present: Pick<Situation, 'busyHosts' | 'moves' | 'link'>): Plan {
  if (mind.state === null || isStale(mind.history, nowMs))
    return { scenario: 'waiting', host: null, steps: [], rejected: [] }
  const { state, heat, movedAtMs, packsSinceMs } = mind
  return plan({ nowMs, state, heat, movedAtMs, packsSinceMs, ...present }, policy)
}
