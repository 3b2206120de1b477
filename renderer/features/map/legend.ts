/** Rows of the legend and of the table, and the filter that they are. */
import type { ClassFigures, ClassScheme } from './scheme.ts'

/** Class ids, and "written". Empty: everything shows. */
export type LegendFilter = ReadonlySet<string>

export interface LegendRow {
  id: string
  group: string
  frames: number
  /** Of all frames, 0 … 1. */
  share: number
}

/** In the legend's order. */
export function legendRows({ ids, groups }: ClassScheme, { counts, frames: all }: ClassFigures): LegendRow[] {
  return groups.flatMap(group => group.classes.map((id) => {
    const frames = counts[ids.indexOf(id)] ?? 0
    return { id, group: group.id, frames, share: all === 0 ? 0 : frames / all }
  }))
}

export function toggled(filter: LegendFilter, row: string): LegendFilter {
  const next = new Set(filter)
  if (!next.delete(row))
    next.add(row)
  return next
}

/** Bit of each class number that shows under a filter. */
export function shownMask({ ids }: ClassScheme, filter: LegendFilter): number {
  return ids.reduce((mask, id, index) => filter.size === 0 || filter.has(id) ? mask | 1 << index : mask, 0)
}
