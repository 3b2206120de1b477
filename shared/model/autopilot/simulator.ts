/**
 * A cluster on paper: the planner and its rivals on the same load, sample by sample. What it says of them is simulation, and is
 * called so wherever it is shown.
 */
import type { ClusterState, HostPower, HostState } from './cluster.ts'
import type { SimulatedLoad } from './load.ts'
import type { LinkFacts } from './migrationCost.ts'
import type { Mind } from './mind.ts'
import type { Move, Step } from './planner.ts'
import type { Policy } from './policy.ts'
import { guestsOn, loadOf } from './cluster.ts'
import { decide, look, newMind, withMoved } from './mind.ts'
import { samplePeriodMs } from './policy.ts'
import { sandpiper, thresholdOnly } from './rivals.ts'

export const simulatedPolicies = ['me2', 'sandpiper', 'threshold-only', 'none'] as const
export type SimulatedPolicy = typeof simulatedPolicies[number]

export interface SimulatedOutcome {
  name: SimulatedPolicy
  migrations: number
  /** Sum over the hosts. */
  secondsAboveThreshold: number
  bytesMoved: number
  /** Switched on, or on the way. */
  hostHours: number
}

interface UnderWay {
  move: Move
  endMs: number
}

interface World {
  state: ClusterState
  mind: Mind
  underWay: UnderWay[]
  /** Of a plan that has several. */
  queue: Step[]
  readyMs: Map<string, number>
  arrivals: { guest: string, atMs: number, from: string, to: string }[]
  outcome: SimulatedOutcome
}

/** Of a processor, at each end, while a guest is on its way. */
const migrationCores = 0.5
const idleDom0Cores = 0.2
const wakeMs = 60_000

function firstWorld(load: SimulatedLoad, name: SimulatedPolicy): World {
  return {
    state: {
      hosts: load.hosts.map(host => ({ ...host, dom0Cores: idleDom0Cores, power: 'on' })),
      guests: load.guests.map(guest => ({ ...guest, cores: 0 })),
    },
    mind: newMind,
    underWay: [],
    queue: [],
    readyMs: new Map(),
    arrivals: [],
    outcome: { name, migrations: 0, secondsAboveThreshold: 0, bytesMoved: 0, hostHours: 0 },
  }
}

function busyHosts({ underWay }: World): Set<string> {
  return new Set(underWay.flatMap(({ move }) => [move.from, move.to]))
}

function powerNow(world: World, host: HostState, nowMs: number): HostPower {
  return host.power === 'waking' && nowMs >= world.readyMs.get(host.name)! ? 'on' : host.power
}

/** Guests that have arrived, hosts that have woken, and what the guests ask for now. */
function advance(world: World, wanted: readonly number[], nowMs: number): void {
  const arrived = world.underWay.filter(({ endMs }) => endMs <= nowMs)
  world.underWay = world.underWay.filter(({ endMs }) => endMs > nowMs)
  const places = new Map(arrived.map(({ move }) => [move.guest, move.to]))
  for (const { move } of arrived) {
    world.mind = withMoved(world.mind, move.guest, move.to, nowMs)
    world.arrivals.push({ guest: move.guest, atMs: nowMs, from: move.from, to: move.to })
  }
  const busy = busyHosts(world)
  world.state = {
    hosts: world.state.hosts.map(host => ({ ...host, power: powerNow(world, host, nowMs), dom0Cores: idleDom0Cores + (busy.has(host.name) ? migrationCores : 0) })),
    guests: world.state.guests.map((guest, i) => ({ ...guest, host: places.get(guest.name) ?? guest.host, cores: wanted[i]! })),
  }
}

function count({ state, outcome }: World, { hotShare }: Policy): void {
  const running = state.hosts.filter(({ power }) => power !== 'standby')
  outcome.hostHours += running.length * samplePeriodMs / 3_600_000
  outcome.secondsAboveThreshold += running.filter(host => loadOf(state, host) > hotShare).length * samplePeriodMs / 1000
}

function setPower(world: World, name: string, power: HostPower): void {
  world.state = { ...world.state, hosts: world.state.hosts.map(host => host.name === name ? { ...host, power } : host) }
}

/** False: not yet. */
function begin(world: World, step: Step, policy: Policy, nowMs: number): boolean {
  if (step.kind === 'wake') {
    setPower(world, step.host, 'waking')
    world.readyMs.set(step.host, nowMs + wakeMs)
    return true
  }
  if (step.kind === 'standby') {
    const isEmpty = guestsOn(world.state, step.host).length === 0 && !busyHosts(world).has(step.host)
    if (isEmpty)
      setPower(world, step.host, 'standby')
    return isEmpty
  }
  const { move } = step
  const busy = busyHosts(world)
  if (busy.has(move.from) || busy.has(move.to) || world.underWay.length >= policy.movesAtOnce)
    return false
  world.underWay.push({ move, endMs: nowMs + move.cost.ms })
  world.outcome.migrations++
  world.outcome.bytesMoved += move.cost.bytes
  return true
}

function runQueue(world: World, policy: Policy, nowMs: number): void {
  while (world.queue.length > 0 && begin(world, world.queue[0]!, policy, nowMs))
    world.queue.shift()
}

/** A host that has become too busy puts an end to a plan that was made before. */
function isOvertaken({ mind, queue }: World): boolean {
  return queue.some(({ kind }) => kind === 'standby') && [...mind.heat.values()].some(({ heat }) => heat === 'hot')
}

function nextSteps(world: World, policy: Policy, link: LinkFacts, nowMs: number): Step[] {
  const { mind, state, underWay, outcome } = world
  const busy = busyHosts(world)
  if (outcome.name === 'me2')
    return decide(mind, nowMs, policy, { busyHosts: busy, moves: underWay.length, link }).steps
  if (outcome.name === 'none' || underWay.length >= policy.movesAtOnce)
    return []
  const view = { state, heat: mind.heat, busyHosts: busy, link }
  return (outcome.name === 'sandpiper' ? sandpiper : thresholdOnly)(view, policy).map(move => ({ kind: 'move', move }))
}

/** What a rival looks at has no hysteresis: each look forgets what was hot before. */
function sampled(world: World, policy: Policy, nowMs: number): Mind {
  const { mind, state, outcome } = world
  return outcome.name === 'me2' ? look(mind, nowMs, state, policy, busyHosts(world)) : look({ ...mind, heat: new Map() }, nowMs, state, policy, new Set())
}

function step(world: World, wanted: readonly number[], policy: Policy, link: LinkFacts, nowMs: number): void {
  advance(world, wanted, nowMs)
  world.mind = sampled(world, policy, nowMs)
  count(world, policy)
  if (isOvertaken(world))
    world.queue = []
  if (world.queue.length === 0)
    world.queue = nextSteps(world, policy, link, nowMs)
  runQueue(world, policy, nowMs)
}

const progressEverySteps = 120

/**
 * All policies side by side on one load. `arrivals` of "me2", for whoever wants to see what moved when. `onProgress` hears now and then
 * how much of it is done, 0 … 1.
 */
export function simulate(load: SimulatedLoad, policy: Policy, link: LinkFacts, onProgress: (share: number) => void = () => {}): { policies: SimulatedOutcome[], arrivals: World['arrivals'] } {
  const worlds = simulatedPolicies.map(name => firstWorld(load, name))
  for (let at = 0; at < load.steps; at++) {
    if (at % progressEverySteps === 0)
      onProgress(at / load.steps)
    const wanted = load.guests.map((_, i) => load.cores(at, i))
    for (const world of worlds)
      step(world, wanted, policy, link, at * samplePeriodMs)
  }
  return { policies: worlds.map(({ outcome }) => outcome), arrivals: worlds[0]!.arrivals }
}
