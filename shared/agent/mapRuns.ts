/**
 * Reads the runs of the contract's maps (shared/contract/memory.ts and disks.ts): a snapshot's as the bytes that the agent
 * wrote, a delta's as plain numbers. What breaks a rule throws `agent-protocol`; nothing is written past a map's end.
 */
import type { MapRun } from './mapFrame.ts'
import { damaged, readRuns } from './mapFrame.ts'

/** One class number a frame, from frame 0. The runs must cover `frames` frames exactly. */
export function decodeMapRuns(runs: Uint8Array, frames: number): Uint8Array {
  const classes = new Uint8Array(frames)
  for (const { first, count, classNumber } of readRuns(runs, frames, false))
    classes.fill(classNumber, first, first + count)
  return classes
}

/** [first frame, count, class] triples in one flat array, each within `frames`. */
export function* readTriples(triples: readonly number[], frames: number): Generator<MapRun> {
  if (triples.length % 3 !== 0)
    throw damaged('a run is cut short')
  for (let at = 0; at < triples.length; at += 3) {
    const run = { first: triples[at]!, count: triples[at + 1]!, classNumber: triples[at + 2]! }
    if (run.count === 0 || run.first + run.count > frames)
      throw damaged('a run is empty or passes the end')
    yield run
  }
}
