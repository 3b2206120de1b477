/** A saved run at any instant of its time: the same fold as live, so a replay cannot show what was not said. */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { LanePair } from '../../../shared/model/raceState.ts'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { addEvents, laneOf } from '../../../shared/model/lane.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'

export class RunReplay {
  /** The run at its end. */
  readonly whole: LaneState
  private readonly events: readonly RunEvent[]
  private readonly begun: LaneState
  private readonly zeroAtMs: number
  private lane: LaneState
  /** Events in `lane`. */
  private folded = 0

  constructor(run: Run, events: readonly RunEvent[]) {
    this.events = events
    this.whole = laneOfSaved(run, events)
    this.begun = laneOf({ ...run, result: null })
    this.zeroAtMs = this.whole.zeroAtMs ?? 0
    this.lane = this.begun
  }

  get endMs(): number {
    return this.whole.nowMs
  }

  /** The lane `timeMs` after its t = 0. Going on costs the events in between, going back all of them again. */
  at(timeMs: number): LaneState {
    if (timeMs >= this.endMs)
      return this.whole
    let until = this.events.findIndex(({ atMs }) => atMs - this.zeroAtMs > timeMs)
    until = until === -1 ? this.events.length : until
    if (until < this.folded) {
      this.lane = this.begun
      this.folded = 0
    }
    if (until > this.folded)
      this.lane = addEvents(this.lane, this.events.slice(this.folded, until))
    this.folded = until
    return this.lane
  }
}

export interface PairReplay {
  stock: RunReplay | null
  me2: RunReplay | null
}

/** Both from their own t = 0, as if they had started together. */
export function lanesAt({ stock, me2 }: PairReplay, timeMs: number): LanePair {
  return { stock: stock?.at(timeMs) ?? null, me2: me2?.at(timeMs) ?? null }
}

export function wholeLanes({ stock, me2 }: PairReplay): LanePair {
  return { stock: stock?.whole ?? null, me2: me2?.whole ?? null }
}

export function replayEndMs({ stock, me2 }: PairReplay): number {
  return Math.max(stock?.endMs ?? 0, me2?.endMs ?? 0)
}

export const speeds = [1, 4, 16, 64] as const
export type Speed = typeof speeds[number]

/** The next slower (−1) or faster (1) speed, or the same at the end. */
export function stepSpeed(speed: Speed, by: -1 | 1): Speed {
  return speeds[speeds.indexOf(speed) + by] ?? speed
}
