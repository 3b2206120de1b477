/** Rows of the legend and of the table, and the filter that they are. */
import type { PageClassId } from '../../../shared/model/pageClass.ts'
import type { ClassGroupId } from './palette.ts'
import { pageClasses } from '../../../shared/model/pageClass.ts'
import { classGroups } from './palette.ts'

/** Empty: everything shows. */
export type LegendFilter = ReadonlySet<PageClassId | 'written'>

export interface LegendRow {
  id: PageClassId
  group: ClassGroupId
  pages: number
  /** Of all frames, 0 … 1. */
  share: number
}

const numberOf = new Map(pageClasses.map(({ id }, index) => [id, index]))

/** `counts`: pages by class number. In the legend's order. */
export function legendRows(counts: readonly number[]): LegendRow[] {
  const frames = counts.reduce((sum, pages) => sum + pages, 0)
  return classGroups.flatMap(group => group.classes.map((id) => {
    const pages = counts[numberOf.get(id)!] ?? 0
    return { id, group: group.id, pages, share: frames === 0 ? 0 : pages / frames }
  }))
}

export function toggled(filter: LegendFilter, row: PageClassId | 'written'): LegendFilter {
  const next = new Set(filter)
  if (!next.delete(row))
    next.add(row)
  return next
}

/** Bit of each class number that shows under a filter. */
export function shownMask(filter: LegendFilter): number {
  const all = 2 ** pageClasses.length - 1
  if (filter.size === 0)
    return all
  return pageClasses.reduce((mask, { id }, index) => filter.has(id) ? mask | 1 << index : mask, 0)
}
