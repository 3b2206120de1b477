/** One recorded race for the first screen: its lanes, folded whole. */
import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { LaneState } from '../../../shared/model/lane.ts'
import type { FinishedRun, Mode } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { isFinished } from '../../../shared/model/run.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { call } from '../../app/connection.ts'

export type RecordedPair = Record<Mode, FinishedRun>

/** The first race among the recordings that has a run of each mode; one of `web` before others. */
export function choosePair(runs: readonly ListedRun[]): RecordedPair | null {
  const recorded = runs.filter(each => each.source === 'recording').flatMap(({ run }) => run && isFinished(run) ? [run] : [])
  const races = new Map<string, FinishedRun[]>()
  for (const run of recorded)
    races.set(run.race?.id ?? run.id, [...races.get(run.race?.id ?? run.id) ?? [], run])
  const pairs = [...races.values()].flatMap((race) => {
    const of = (mode: Mode): FinishedRun | undefined => race.find(run => run.settings.mode === mode)
    const [stock, me2] = [of('stock'), of('me2')]
    return stock && me2 ? [{ stock, me2 }] : []
  })
  return pairs.find(({ stock }) => stock.guest.name === 'web') ?? pairs[0] ?? null
}

async function foldRun(run: FinishedRun): Promise<LaneState> {
  const events: RunEvent[] = []
  for await (const batch of await call(async client => client.runs.events({ id: run.id })))
    events.push(...batch)
  return laneOfSaved(run, events)
}

export async function foldPair({ stock, me2 }: RecordedPair): Promise<Record<Mode, LaneState>> {
  const [stockLane, me2Lane] = await Promise.all([foldRun(stock), foldRun(me2)])
  return { stock: stockLane, me2: me2Lane }
}
