/** The run library as a table: a row a race or a sweep, found by words. Pure. */
import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { RunGroup } from '../../../shared/model/raceGroups.ts'
import type { RaceRatio } from '../../../shared/model/raceTable.ts'
import type { Mode, Run } from '../../../shared/model/run.ts'
import { runName } from '../../../shared/model/encoding.ts'
import { groupByRace } from '../../../shared/model/raceGroups.ts'
import { raceRatio } from '../../../shared/model/raceTable.ts'
import { isSweep } from '../../../shared/model/sweep.ts'

export interface LibraryRow extends RunGroup<ListedRun> {
  /** Those that can be read, in the order in which they were run. */
  runs: Run[]
  /** Null where none can be read. */
  first: Run | null
  /** The user's; empty: none. */
  title: string
  note: string
  count: Record<Mode, number>
  /** Over link rates and encoders: its runs are no pairs. */
  sweep: boolean
  /** ME2 ÷ stock; none of a sweep. */
  ratio: RaceRatio
}

function rowOf(group: RunGroup<ListedRun>): LibraryRow {
  const runs = group.entries.flatMap(({ run }) => run ? [run] : [])
  const count = (mode: Mode): number => runs.filter(run => run.settings.mode === mode).length
  return {
    ...group,
    runs,
    first: runs[0] ?? null,
    title: group.entries.find(({ title }) => title !== '')?.title ?? '',
    note: group.entries.find(({ note }) => note !== '')?.note ?? '',
    count: { stock: count('stock'), me2: count('me2') },
    sweep: isSweep(runs),
    ratio: raceRatio(isSweep(runs) ? [] : runs),
  }
}

/** In the order of `runs`, which come newest first. */
export function rowsOf(runs: readonly ListedRun[]): LibraryRow[] {
  return groupByRace(runs).map(rowOf)
}

/** The user's title, or the guest's name; the id of what cannot be read. */
export function nameOf({ id, title, first }: Pick<LibraryRow, 'id' | 'title' | 'first'>): string {
  if (title !== '')
    return title
  return first ? first.guest.name : id
}

function toldOf(row: LibraryRow, dateOf: (iso: string) => string, recording: string): string {
  return [
    row.id,
    ...row.source === 'recording' ? [recording] : [],
    ...row.entries.flatMap(({ id, title, note }) => [id, title, note]),
    ...row.runs.flatMap(run => [run.guest.name, run.from.name, run.from.hostname, run.to.name, run.to.hostname, runName(run.settings), run.startedAt, dateOf(run.startedAt)]),
  ].join('\n').toLowerCase()
}

/**
 * The rows in which every word of the search occurs: in titles, notes, ids, guests, hosts, encoders, or dates as `dateOf` writes
 * them; `recording` is the word for rows that came with the console.
 */
export function searchRows(rows: readonly LibraryRow[], search: string, dateOf: (iso: string) => string, recording: string): LibraryRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(word => word !== '')
  return rows.filter((row) => {
    const told = toldOf(row, dateOf, recording)
    return words.every(word => told.includes(word))
  })
}

/** The race of that id, or the one that holds the run; null: there is none. A recording's id can be that of one's own run. */
export function findRow(rows: readonly LibraryRow[], { race, run }: { race?: string | undefined, run?: string | undefined }): LibraryRow | null {
  const holding = run === undefined ? undefined : rows.find(({ entries }) => entries.some(({ id }) => id === run))
  return holding ?? rows.find(({ id }) => race !== undefined && id === race) ?? null
}
