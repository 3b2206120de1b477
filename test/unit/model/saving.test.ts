import { describe, expect, it } from 'vitest'
import { savingOf } from '../../../shared/model/saving.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'
import { finishedRun } from './runs.ts'

describe('where a saving came from', () => {
  it('adds up to the difference of two real runs, to the byte', () => {
    const stock = savedRun('web-stock').run.result
    const me2 = savedRun('web-me2').run.result
    const saving = savingOf(stock, me2)!
    expect(saving.stockBytes + saving.steps.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(me2.linkBytes)
    const bytesOf = Object.fromEntries(saving.steps.map(({ id, bytes }) => [id, bytes]))
    expect(bytesOf.leftOut).toBe(-me2.rounds.reduce((sum, { leftOut }) => sum + leftOut, 0) * 4096)
    expect(bytesOf.encoding).toBeLessThan(0)
  })

  it('shows more repeats as a cost', () => {
    const stock = finishedRun().result
    const me2 = { ...stock, rounds: [...stock.rounds, { ...stock.rounds[0]!, pages: 10, raw: 10, linkBytes: 10 * 4096 }], linkBytes: stock.linkBytes + 10 * 4096 }
    expect(savingOf(stock, me2)!.steps.find(({ id }) => id === 'repeats')!.bytes).toBe(10 * 4096)
  })

  it('is not known without rounds', () => {
    expect(savingOf(finishedRun({ result: { rounds: [] } }).result, finishedRun().result)).toBeNull()
  })
})
