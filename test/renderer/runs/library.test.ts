import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { Run } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { findRow, nameOf, rowsOf, searchRows } from '../../../renderer/features/runs/library.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock').run
const me2 = savedRun('web-me2').run

function listed(id: string, of: Run, race: string | null, more: Partial<ListedRun> = {}): ListedRun {
  return { id, source: 'own', title: '', note: '', problem: null, run: { ...of, id, race: race === null ? null : { id: race, index: 0, runs: 2, kind: 'race' } }, ...more }
}
const problem = { code: 'run-corrupt', message: 'The run is damaged.', action: '' } as const
const runs: ListedRun[] = [
  listed('late', me2, null, { run: { ...me2, id: 'late', race: null, guest: { ...me2.guest, name: 'db' } } }),
  listed('b', me2, 'one', { title: 'Twenty Mbit', note: 'before the link was changed' }),
  listed('a', stock, 'one'),
  { id: 'broken', source: 'own', title: '', note: '', run: null, problem },
]
const rows = rowsOf(runs)
const written = (iso: string): string => `on ${iso.slice(0, 4)}`
const found = (search: string): string[] => searchRows(rows, search, written, 'recording').map(({ id }) => id)

describe('the rows of the library', () => {
  it('are one a race, in the order in which their newest runs come', () => {
    expect(rows.map(({ id, entries }) => [id, entries.map(entry => entry.id)])).toEqual([['late', ['late']], ['one', ['a', 'b']], ['broken', ['broken']]])
  })

  it('have the title and note of whichever of their runs has one', () => {
    expect(rows[1]).toMatchObject({ title: 'Twenty Mbit', note: 'before the link was changed', count: { stock: 1, me2: 1 } })
  })

  it('have a ratio only where both modes were run', () => {
    expect(rows[1]!.ratio.data).toBe(me2.result.linkBytes / stock.result.linkBytes)
    expect(rows[0]!.ratio.data).toBeNull()
  })

  it('have no ratio of a sweep, whose runs are no pairs', () => {
    const swept = (id: string, run: Run): ListedRun => listed(id, { ...run, race: null }, null, { run: { ...run, id, race: { id: 'sweep', index: 0, runs: 2, kind: 'sweep' } } })
    expect(rowsOf([swept('b', me2), swept('a', stock)])).toMatchObject([{ id: 'sweep', sweep: true, ratio: { data: null } }])
  })

  it('are called by their title, their guest, or their id', () => {
    expect(rows.map(nameOf)).toEqual(['db', 'Twenty Mbit', 'broken'])
  })

  it('keep what cannot be read', () => {
    expect(rows[2]).toMatchObject({ first: null, runs: [] })
    expect(rows[2]!.entries[0]!.problem).toEqual(problem)
  })

  it('do not mix a recording with an own run of the same race', () => {
    expect(rowsOf([listed('b', me2, 'one'), listed('a', stock, 'one', { source: 'recording' })]).map(({ source }) => source)).toEqual(['own', 'recording'])
  })
})

describe('the search', () => {
  it.each([
    ['', ['late', 'one', 'broken']],
    ['twenty', ['one']],
    ['DB', ['late']],
    ['link changed', ['one']],
    [stock.from.name, ['late', 'one']],
    [`on ${stock.startedAt.slice(0, 4)}`, ['late', 'one']],
    ['  broken ', ['broken']],
    ['twenty db', []],
    ['me2 rle', ['late', 'one']],
  ])('for "%s" finds rows that have every word', (search, ids) => {
    expect(found(search)).toEqual(ids)
  })

  it('finds recordings by that word', () => {
    const both = rowsOf([listed('b', me2, 'one'), listed('a', stock, 'two', { source: 'recording' })])
    expect(searchRows(both, 'recording', written, 'recording').map(({ id }) => id)).toEqual(['two'])
  })
})

describe('an address', () => {
  it('leads to the race, or to the one that holds the run', () => {
    expect(findRow(rows, { race: 'one' })?.id).toBe('one')
    expect(findRow(rows, { run: 'b' })?.id).toBe('one')
    expect(findRow(rows, { run: 'late' })?.id).toBe('late')
    expect(findRow(rows, { race: 'none' })).toBeNull()
    expect(findRow(rows, {})).toBeNull()
  })

  it('means the copy that holds the run, where a recording has the same race', () => {
    const both = rowsOf([listed('b', me2, 'one'), listed('a', stock, 'one', { source: 'recording' })])
    expect(findRow(both, { race: 'one', run: 'a' })?.source).toBe('recording')
  })
})
