/** A race as it goes: a fold over its messages, used live and in a replay. */
import type { RaceCheck, RaceMessage, RaceRequestView } from '../contract/races.ts'
import type { LaneState } from './lane.ts'
import type { FinishedRun, Mode, Run, RunProblem } from './run.ts'
import type { RunEvent } from './runEvent.ts'
import { addEvents, endLane, laneOf } from './lane.ts'
import { isFinished, modes } from './run.ts'

/** The pair that is run now, or was run last; null: that mode has not had its turn in it. */
export interface LanePair {
  stock: LaneState | null
  me2: LaneState | null
}

export interface RaceState {
  id: string
  request: RaceRequestView
  lab: 'boxed' | 'own'
  /** How many runs it will have. */
  runs: number
  prechecks: { from: string, to: string, checks: RaceCheck[] }[]
  /** `settling`: the guest runs undisturbed before the next run, for `settleMs` in all. */
  stage: 'checking' | 'settling' | 'running' | 'ended'
  settleMs: number
  lanes: LanePair
  /** Runs that were started. */
  started: number
  finished: FinishedRun[]
  problem: RunProblem | null
}

type Started = Extract<RaceMessage, { kind: 'started' }>

function begin({ id, request, lab, runs }: Started): RaceState {
  return { id, request, lab, runs, prechecks: [], stage: 'checking', settleMs: 0, lanes: { stock: null, me2: null }, started: 0, finished: [], problem: null }
}

export function isRunning(lane: LaneState | null): boolean {
  return lane !== null && lane.phase !== 'ended'
}

/** The modes whose lanes go on. */
export function running(lanes: LanePair): Mode[] {
  return modes.filter(mode => isRunning(lanes[mode]))
}

/** A mode's second run begins the next pair: the other lane goes as well, unless it still runs (twins). */
function startLane(lanes: LanePair, run: Run): LanePair {
  const { mode } = run.settings
  const other = mode === 'stock' ? 'me2' : 'stock'
  const kept = lanes[mode] === null || isRunning(lanes[other]) ? lanes : { stock: null, me2: null }
  return { ...kept, [mode]: laneOf(run) }
}

function changeLane(lanes: LanePair, runId: string, change: (lane: LaneState) => LaneState): LanePair {
  const mode = modes.find(mode => lanes[mode]?.run.id === runId)
  return mode ? { ...lanes, [mode]: change(lanes[mode]!) } : lanes
}

function endRun(state: RaceState, run: Run): RaceState {
  const finished = isFinished(run) ? [...state.finished, run] : state.finished
  return { ...state, finished, lanes: changeLane(state.lanes, run.id, lane => endLane(lane, run)) }
}

function addOther(state: RaceState | null, message: Exclude<RaceMessage, { kind: 'run' }>): RaceState | null {
  if (message.kind === 'started')
    return begin(message)
  if (!state)
    return null
  switch (message.kind) {
    case 'precheck':
      return { ...state, prechecks: [...state.prechecks, { from: message.from, to: message.to, checks: message.checks }] }
    case 'settling':
      return running(state.lanes).length > 0 ? state : { ...state, stage: 'settling', settleMs: message.ms }
    case 'runStarted':
      return { ...state, stage: 'running', started: state.started + 1, lanes: startLane(state.lanes, message.run) }
    case 'runEnded':
      return endRun(state, message.run)
    case 'ended':
      return { ...state, stage: 'ended', problem: message.problem }
  }
}

function addRunEvents(state: RaceState | null, runId: string, events: readonly RunEvent[]): RaceState | null {
  return state && { ...state, lanes: changeLane(state.lanes, runId, lane => addEvents(lane, events)) }
}

/**
 * The race with more messages; neither argument is changed. Null until a race has started. Neighbouring events of one run
 * are folded at once.
 */
export function addRaceMessages(state: RaceState | null, messages: readonly RaceMessage[]): RaceState | null {
  let next = state
  let index = 0
  while (index < messages.length) {
    const message = messages[index]!
    if (message.kind !== 'run') {
      next = addOther(next, message)
      index++
      continue
    }
    const events: RunEvent[] = []
    for (let other = messages[index]; other?.kind === 'run' && other.id === message.id; other = messages[++index])
      events.push(other.event)
    next = addRunEvents(next, message.id, events)
  }
  return next
}

export interface RunPair {
  stock: FinishedRun
  me2: FinishedRun
  first: Mode
}

/** The n-th stock run with the n-th ME2 run, of those that were both migrated. A sweep has no pairs. */
export function finishedPairs(runs: readonly FinishedRun[]): RunPair[] {
  const of = (mode: Mode): FinishedRun[] => runs.filter(run => run.settings.mode === mode && run.race?.kind !== 'sweep')
  const me2Runs = of('me2')
  return of('stock').flatMap((stock, index) => {
    const me2 = me2Runs[index]
    if (!me2 || stock.result.outcome !== 'migrated' || me2.result.outcome !== 'migrated')
      return []
    return [{ stock, me2, first: stock.startedAt <= me2.startedAt ? 'stock' : 'me2' } as const]
  })
}
