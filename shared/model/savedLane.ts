/** The lane of a saved run, folded whole. */
import type { LaneState } from './lane.ts'
import type { Run } from './run.ts'
import type { RunEvent } from './runEvent.ts'
import { addEvents, endLane, laneOf } from './lane.ts'

/** A run that has no result goes on, or its console died: its lane stays open. */
export function laneOfSaved(run: Run, events: readonly RunEvent[]): LaneState {
  const lane = addEvents(laneOf({ ...run, result: null }), events)
  return run.result ? endLane(lane, run) : lane
}
