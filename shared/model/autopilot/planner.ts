/**
 * From what is known to what should be done, with the reasons: a pure function. Reasons are codes and figures; the screen and the command
 * line have the words.
 */
import type { ClusterState, GuestState, HostState } from './cluster.ts'
import type { HeatEvidence } from './hotSpots.ts'
import type { LinkFacts, MigrationCost } from './migrationCost.ts'
import type { Policy } from './policy.ts'
import type { Circumstances, Obstacle } from './rules.ts'
import { guestsOn, loadOf, moved } from './cluster.ts'
import { migrationCost } from './migrationCost.ts'
import { unitOf, whyNotFrom, whyNotOn } from './rules.ts'

export interface Move {
  guest: string
  from: string
  to: string
  cost: MigrationCost
  /** By how much the busier of the two hosts gets better; less than 0 where a host is emptied. */
  gainShare: number
}

export type Step = { kind: 'move', move: Move } | { kind: 'standby', host: string } | { kind: 'wake', host: string }

/** What else was looked at, and why it is not done. `to` null: the guest may not leave its host. */
export interface Rejected {
  guest: string
  to: string | null
  why: Obstacle
}

export const scenarios = ['waiting', 'balance', 'save', 'idle'] as const
export type Scenario = typeof scenarios[number]

export interface Plan {
  scenario: Scenario
  /** The host that is too busy, or the one to be emptied. */
  host: string | null
  /** In this order; none that needs a host of another at the same time. */
  steps: Step[]
  rejected: Rejected[]
}

export interface Situation extends Circumstances {
  /** Loads are averages over the last samples, so that no single one decides. */
  state: ClusterState
  heat: ReadonlyMap<string, HeatEvidence>
  /** Migrations under way. */
  moves: number
  /** Since when all guests would have fitted on one host fewer; null: they do not. */
  packsSinceMs: number | null
  link: LinkFacts
}

const rejectedMax = 200
const done = (scenario: Scenario, host: string | null = null, steps: Step[] = [], rejected: Rejected[] = []): Plan => ({ scenario, host, steps, rejected: rejected.slice(0, rejectedMax) })

function running({ hosts }: ClusterState, policy: Policy): HostState[] {
  return hosts.filter(({ name, power }) => power === 'on' && !policy.maintenance.includes(name))
}

function hostNamed(state: ClusterState, name: string): HostState {
  return state.hosts.find(host => host.name === name)!
}

function describeMove(situation: Situation, guest: GuestState, to: HostState): Move {
  const { state, link } = situation
  const from = hostNamed(state, guest.host)
  const before = Math.max(loadOf(state, from), loadOf(state, to))
  const gainShare = before - Math.max(loadOf(state, from) - guest.cores / from.cpus, loadOf(state, to) + guest.cores / to.cpus)
  return { guest: guest.name, from: from.name, to: to.name, cost: migrationCost(guest, link), gainShare }
}

/** Load that a migration takes away for each second it costs: Sandpiper's volume-to-size, with the size that is really sent. */
function worth(guest: GuestState, link: LinkFacts): number {
  return guest.cores / migrationCost(guest, link).ms
}

function whyNotWorth({ state }: Situation, policy: Policy, guest: GuestState, to: HostState, move: Move): Obstacle | null {
  if (loadOf(state, to) + guest.cores / to.cpus > policy.hotShare - policy.marginShare)
    return 'wouldBeTooBusy'
  return move.gainShare < policy.leastGainShare ? 'tooLittleGain' : null
}

/** The first guest, by worth, that some host can take; hosts from the coldest. */
function relieve(situation: Situation, policy: Policy, hot: HostState, rejected: Rejected[]): Move | null {
  const { state, link, busyHosts } = situation
  const targets = running(state, policy).filter(({ name }) => name !== hot.name).toSorted((a, b) => loadOf(state, a) - loadOf(state, b))
  for (const guest of guestsOn(state, hot.name).toSorted((a, b) => worth(b, link) - worth(a, link))) {
    const why = whyNotFrom(guest, policy, situation) ?? (unitOf(guest, state, policy).length > 1 ? 'together' : null)
    if (why !== null) {
      rejected.push({ guest: guest.name, to: null, why })
      continue
    }
    for (const target of targets) {
      const move = describeMove(situation, guest, target)
      const not = busyHosts.has(target.name) ? 'busy' : whyNotOn(guest, target, state, policy) ?? whyNotWorth(situation, policy, guest, target, move)
      if (not === null)
        return move
      rejected.push({ guest: guest.name, to: target.name, why: not })
    }
  }
  return null
}

/** Two guests change places where neither could go alone: the lighter one leaves the target first, so that there is room. */
function exchange(situation: Situation, policy: Policy, hot: HostState): Move[] | null {
  const { state, busyHosts } = situation
  const free = (guest: GuestState): boolean => whyNotFrom(guest, policy, situation) === null && unitOf(guest, state, policy).length === 1
  const targets = running(state, policy).filter(({ name }) => name !== hot.name && !busyHosts.has(name)).toSorted((a, b) => loadOf(state, a) - loadOf(state, b))
  const heavies = guestsOn(state, hot.name).filter(free).toSorted((a, b) => b.cores - a.cores)
  for (const target of targets) {
    const lights = guestsOn(state, target.name).filter(free).toSorted((a, b) => a.cores - b.cores)
    for (const heavy of heavies) {
      for (const light of lights) {
        if (light.cores >= heavy.cores)
          break
        const shifted = heavy.cores - light.cores
        const busier = Math.max(loadOf(state, hot) - shifted / hot.cpus, loadOf(state, target) + shifted / target.cpus)
        const gainShare = loadOf(state, hot) - busier
        if (gainShare < policy.leastGainShare || busier > policy.hotShare - policy.marginShare)
          continue
        if (whyNotOn(light, hot, state, policy) !== null || whyNotOn(heavy, target, moved(state, light.name, hot.name), policy) !== null)
          continue
        return [{ ...describeMove(situation, light, hot), gainShare }, { ...describeMove(situation, heavy, target), gainShare }]
      }
    }
  }
  return null
}

function hottest(situation: Situation, policy: Policy): HostState[] {
  const { state, heat } = situation
  return running(state, policy).filter(({ name }) => heat.get(name)?.heat === 'hot').toSorted((a, b) => loadOf(state, b) - loadOf(state, a))
}

function balance(situation: Situation, policy: Policy, hot: readonly HostState[]): Plan {
  const rejected: Rejected[] = []
  // a host that a guest is just leaving, or coming to, is looked at again once that is over
  const settled = hot.filter(({ name }) => !situation.busyHosts.has(name))
  for (const host of settled) {
    const move = relieve(situation, policy, host, rejected)
    const moves = move ? [move] : exchange(situation, policy, host)
    if (moves)
      return done('balance', host.name, moves.map(each => ({ kind: 'move', move: each })), rejected)
  }
  return done('balance', hot[0]!.name, settled.length > 0 ? wakeStep(situation, policy) : [], rejected)
}

/** One that stands by, unless one is on its way already. */
function wakeStep({ state: { hosts } }: Situation, policy: Policy): Step[] {
  const standby = hosts.find(({ name, power }) => power === 'standby' && !policy.maintenance.includes(name))
  return standby && !hosts.some(({ power }) => power === 'waking') ? [{ kind: 'wake', host: standby.name }] : []
}

/** What was packed for power saving no longer fits: a host takes its time to wake, so that is not left until one is hot. */
function isTight(state: ClusterState, policy: Policy): boolean {
  const hosts = running(state, policy)
  const busy = hosts.reduce((sum, host) => sum + loadOf(state, host) * host.cpus, 0)
  return busy > (policy.packedShare + policy.marginShare) * hosts.reduce((sum, { cpus }) => sum + cpus, 0)
}

/**
 * Where each guest of the host would go so that it can be switched off: the heaviest first, to the busiest host that stays below
 * `packedShare` (best fit decreasing). All of them, or null.
 */
function evacuation(state: ClusterState, policy: Policy, host: HostState): { guest: GuestState, to: HostState }[] | null {
  const takers = running(state, policy).filter(({ name }) => name !== host.name)
  const moves: { guest: GuestState, to: HostState }[] = []
  const left = guestsOn(state, host.name).toSorted((a, b) => b.cores - a.cores)
  let after = state
  while (left.length > 0) {
    const unit = unitOf(left[0]!, state, policy)
    const place = (to: HostState): ClusterState | null => {
      let next = after
      for (const guest of unit) {
        const apart = { ...policy, keptTogether: [] }
        if (whyNotOn(guest, to, next, apart) !== null)
          return null
        next = moved(next, guest.name, to.name)
      }
      return loadOf(next, to) <= policy.packedShare ? next : null
    }
    const to = takers.toSorted((a, b) => loadOf(after, b) - loadOf(after, a)).find(each => place(each) !== null)
    if (!to)
      return null
    after = place(to)!
    for (const guest of unit) {
      moves.push({ guest, to })
      left.splice(left.indexOf(guest), 1)
    }
  }
  return moves
}

/** Where the least loaded cannot be emptied, those with more to move hardly can. */
const emptiableCandidates = 8

/** The least loaded host that can be emptied, whatever its guests' cool-down; null: none can, or it is the last one. */
export function emptiable(state: ClusterState, policy: Policy): { host: HostState, moves: { guest: GuestState, to: HostState }[] } | null {
  const hosts = running(state, policy).toSorted((a, b) => loadOf(state, a) - loadOf(state, b))
  const wanted = hosts.reduce((sum, host) => sum + loadOf(state, host) * host.cpus, 0)
  const room = hosts.slice(1).reduce((sum, { cpus }) => sum + cpus * policy.packedShare, 0)
  if (hosts.length < 2 || wanted > room + hosts[0]!.dom0Cores)
    return null
  for (const host of hosts.slice(0, emptiableCandidates)) {
    const isHeld = guestsOn(state, host.name).some(({ name }) => policy.excluded.includes(name) || policy.pinned[name] !== undefined)
    const moves = isHeld ? null : evacuation(state, policy, host)
    if (moves)
      return { host, moves }
  }
  return null
}

function save(situation: Situation, policy: Policy): Plan {
  const { state } = situation
  const found = emptiable(state, policy)
  if (!found || situation.moves > 0)
    return done('idle')
  const rejected = found.moves.flatMap(({ guest }): Rejected[] => {
    const why = whyNotFrom(guest, policy, situation)
    return why === null ? [] : [{ guest: guest.name, to: null, why }]
  })
  const steps = found.moves.map(({ guest, to }): Step => ({ kind: 'move', move: describeMove(situation, guest, to) }))
  return done('save', found.host.name, rejected.length > 0 ? [] : [...steps, { kind: 'standby', host: found.host.name }], rejected)
}

/** What to do now. Nothing while hosts warm up, or when as much is under way as may be. */
export function plan(situation: Situation, policy: Policy): Plan {
  const { state, heat, moves, packsSinceMs, nowMs } = situation
  const known = running(state, policy).filter(({ name }) => !['warmingUp', 'unknown', undefined].includes(heat.get(name)?.heat))
  if (known.length < running(state, policy).length || known.length === 0 || moves >= policy.movesAtOnce)
    return done('waiting')
  const hot = hottest(situation, policy)
  if (hot.length > 0)
    return balance(situation, policy, hot)
  const waking = policy.savesPower && isTight(state, policy) ? wakeStep(situation, policy) : []
  if (waking.length > 0)
    return done('balance', null, waking)
  return policy.savesPower && packsSinceMs !== null && nowMs - packsSinceMs >= policy.packsAfterS * 1000 ? save(situation, policy) : done('idle')
}
