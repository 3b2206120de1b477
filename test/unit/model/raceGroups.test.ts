import { describe, expect, it } from 'vitest'
import { groupByRace } from '../../../shared/model/raceGroups.ts'
import { finishedRun } from './runs.ts'

function entry(id: string, race: string | null, second: number, source: 'own' | 'recording' = 'own') {
  const startedAt = `2026-11-22T21:51:0${second}.000Z`
  return { id, source, run: finishedRun({ run: { id, startedAt, race: race === null ? null : { id: race, index: 0, runs: 2, kind: 'race' as const } } }) }
}

describe('runs grouped by race', () => {
  it('keep the order of races, and inside one the order of time', () => {
    const groups = groupByRace([entry('d', 'two', 4), entry('c', null, 3), entry('b', 'one', 2), entry('a', 'two', 1)])
    expect(groups.map(({ id, entries }) => [id, entries.map(({ id }) => id)])).toEqual([['two', ['a', 'd']], ['c', ['c']], ['one', ['b']]])
  })

  it('never mix a recording with an own run of the same race', () => {
    expect(groupByRace([entry('a', 'one', 1), entry('b', 'one', 2, 'recording')]).map(({ source }) => source)).toEqual(['own', 'recording'])
  })

  it('leave a run that cannot be read by itself', () => {
    expect(groupByRace([{ id: 'broken', source: 'own', run: null }])).toMatchObject([{ id: 'broken', entries: [{ id: 'broken' }] }])
  })
})
