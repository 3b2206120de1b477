import type { Run } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { pairsOf, resultPair, savedRace } from '../../../renderer/features/runs/pastRace.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock').run
const me2 = savedRun('web-me2').run
const cancelled = savedRun('web-cancelled').run
const none = { stock: null, me2: null }

function named(run: Run, id: string): Run {
  return { ...run, id }
}

describe('the pairs of a saved race', () => {
  it('are the n-th stock run with the n-th ME2 run, whichever went first', () => {
    const pairs = pairsOf([named(stock, 's1'), named(me2, 'm1'), named(me2, 'm2'), named(stock, 's2')])
    expect(pairs.map(pair => [pair.stock?.id, pair.me2?.id])).toEqual([['s1', 'm1'], ['s2', 'm2']])
  })

  it('keep a run that has no other', () => {
    expect(pairsOf([named(me2, 'm1')])).toEqual([{ stock: null, me2: named(me2, 'm1') }])
  })

  it('show as result the last of which both were migrated, or else the last', () => {
    const pairs = pairsOf([stock, me2, stock, cancelled])
    expect(pairs).toHaveLength(2)
    expect(resultPair(pairs)).toBe(0)
    expect(resultPair(pairsOf([stock]))).toBe(0)
    expect(resultPair([])).toBe(0)
  })
})

describe('a saved race', () => {
  it('has the form of one that has just ended', () => {
    const race = savedRace('one', [stock, me2], none)
    expect(race).toMatchObject({ id: 'one', stage: 'ended', lab: stock.lab, started: 2, problem: null })
    expect(race.finished).toEqual([stock, me2])
    expect(race.request).toMatchObject({ guest: 'web', from: stock.from.name, to: stock.to.name, modes: ['stock', 'me2'], repeats: 1, twin: null, rateMbit: stock.settings.rateMbit })
  })

  it('says how many runs it should have had, and counts only those that ended', () => {
    const race = savedRace('one', [{ ...stock, race: { id: 'one', index: 0, runs: 4, kind: 'race' } }, { ...me2, result: null }], none)
    expect(race.runs).toBe(4)
    expect(race.finished).toHaveLength(1)
  })

  it('of two guests is one of twins', () => {
    const twin = { ...me2, guest: { ...me2.guest, name: 'web2', uuid: '00000000-0000-0000-0000-000000000002' } }
    expect(savedRace('one', [stock, twin], none).request).toMatchObject({ guest: 'web', twin: 'web2' })
  })
})
