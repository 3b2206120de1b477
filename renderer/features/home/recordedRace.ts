/** Which recorded race the first screen shows. */
import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { RunPair } from '../../../shared/model/raceState.ts'
import { groupByRace } from '../../../shared/model/raceGroups.ts'
import { finishedPairs } from '../../../shared/model/raceState.ts'
import { isFinished } from '../../../shared/model/run.ts'

/** The first pair among the recordings; one of `web` before others. */
export function choosePair(runs: readonly ListedRun[]): RunPair | null {
  const races = groupByRace(runs.filter(({ source }) => source === 'recording'))
  const pairs = races.flatMap(({ entries }) => finishedPairs(entries.flatMap(({ run }) => run && isFinished(run) ? [run] : [])))
  return pairs.find(({ stock }) => stock.guest.name === 'web') ?? pairs[0] ?? null
}
