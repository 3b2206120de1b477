/** A saved race in the form of one that has just ended, for the screens that show either. Pure. */
import type { LanePair, RaceState } from '../../../shared/model/raceState.ts'
import type { Mode, Run } from '../../../shared/model/run.ts'
import { encodingOf, presets } from '../../../shared/model/encoding.ts'
import { isFinished, modes } from '../../../shared/model/run.ts'

export interface SavedPair {
  stock: Run | null
  me2: Run | null
}

/** The n-th stock run with the n-th ME2 run, however they ended; what is over stands alone. */
export function pairsOf(runs: readonly Run[]): SavedPair[] {
  const of = (mode: Mode): Run[] => runs.filter(run => run.settings.mode === mode)
  const [stock, me2] = [of('stock'), of('me2')]
  return Array.from({ length: Math.max(stock.length, me2.length) }, (_, index) => ({ stock: stock[index] ?? null, me2: me2[index] ?? null }))
}

/** Index of the last pair of which both runs were migrated, as the result of a race shows it; otherwise of the last of all. */
export function resultPair(pairs: readonly SavedPair[]): number {
  const migrated = (run: Run | null): boolean => run?.result?.outcome === 'migrated'
  const last = pairs.findLastIndex(({ stock, me2 }) => migrated(stock) && migrated(me2))
  return last === -1 ? Math.max(0, pairs.length - 1) : last
}

/** `runs` in the order in which they were run, at least one; `lanes` are those of the pair that its result shows. */
export function savedRace(id: string, runs: readonly Run[], lanes: LanePair): RaceState {
  const first = runs[0]!
  const counts = modes.map(mode => runs.filter(run => run.settings.mode === mode).length)
  const me2 = runs.find(run => run.settings.mode === 'me2')
  const stock = runs.find(run => run.settings.mode === 'stock') ?? first
  return {
    id,
    request: {
      ...first.settings,
      ...(me2 && encodingOf(me2.settings)) ?? presets.paper,
      guest: stock.guest.name,
      from: first.from.name,
      to: first.to.name,
      modes: modes.filter((_, index) => counts[index]! > 0),
      repeats: Math.max(...counts),
      force: false,
      withDisk: first.settings.withDisk ? { overwrite: false } : null,
      twin: me2 && me2.guest.uuid !== stock.guest.uuid ? me2.guest.name : null,
    },
    lab: first.lab,
    runs: first.race?.runs ?? runs.length,
    prechecks: [],
    stage: 'ended',
    settleMs: first.settings.settleMs,
    lanes,
    started: runs.length,
    finished: runs.filter(isFinished),
    problem: null,
  }
}
