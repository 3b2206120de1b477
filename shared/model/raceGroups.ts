/** Saved runs as a library shows them: the runs of a race together, and those of a sweep. */
import type { Run } from './run.ts'

export interface Groupable {
  id: string
  source: 'own' | 'recording'
  run: Run | null
}

export interface RunGroup<Entry extends Groupable> {
  /** The race's id, or that of a run that is in none. */
  id: string
  source: Entry['source']
  /** In the order in which they were run. */
  entries: Entry[]
}

function raceOf({ id, source, run }: Groupable): string {
  return `${source} ${run?.race?.id ?? id}`
}

/** Oldest first. */
function byStart(a: Groupable, b: Groupable): number {
  return (a.run?.startedAt ?? '').localeCompare(b.run?.startedAt ?? '')
}

/** In the order in which the groups first appear in `entries`. A recording is never mixed with one's own runs. */
export function groupByRace<Entry extends Groupable>(entries: readonly Entry[]): RunGroup<Entry>[] {
  const groups = new Map<string, RunGroup<Entry>>()
  for (const entry of entries) {
    const key = raceOf(entry)
    const group: RunGroup<Entry> = groups.get(key) ?? { id: entry.run?.race?.id ?? entry.id, source: entry.source, entries: [] }
    group.entries.push(entry)
    groups.set(key, group)
  }
  return [...groups.values()].map(group => ({ ...group, entries: group.entries.toSorted(byStart) }))
}
