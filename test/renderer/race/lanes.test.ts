import type { LaneState } from '../../../shared/model/lane.ts'
import type { LanePair } from '../../../shared/model/raceState.ts'
import { describe, expect, it } from 'vitest'
import { i18n } from '../../../renderer/app/i18n.ts'
import { cursorWords, extentMs, figuresOf, laneWords, marksOf, raceNowMs } from '../../../renderer/features/race/lanes.ts'
import { addEvents, endLane, laneOf } from '../../../shared/model/lane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const t = i18n.global.t as (key: string, values?: Record<string, unknown>) => string
const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')
const cancelled = savedRun('web-cancelled')
const done = ({ run, events }: typeof stock): LaneState => endLane(addEvents(laneOf({ ...run, result: null }), events), run)
const upTo = ({ run, events }: typeof stock, atMs: number): LaneState => addEvents(laneOf({ ...run, result: null }), events.filter(event => event.atMs <= atMs))
const racing: LanePair = { stock: done(stock), me2: upTo(me2, 20_000) }

describe('figures of a lane', () => {
  it('are the result\'s once it is over', () => {
    expect(figuresOf(done(stock), t).map(({ value, unit, label }) => `${value} ${unit} ${label}`)).toEqual(['292.4 MB sent', '6  rounds', '0 pages left', '2.4 MB/s average rate', '2.97 s paused'])
  })

  it('say what is so far while it goes on', () => {
    const [sent, round, left, , last] = figuresOf(racing.me2, t)
    expect([sent!.label, round!.value, left!.label, last!.value]).toEqual(['sent so far', '1', 'left in this round', ''])
  })

  it('are five dashes before its turn', () => {
    expect(figuresOf(null, t).map(({ value }) => value)).toEqual(['', '', '', '', ''])
  })
})

describe('words of a lane', () => {
  it('say what goes on, and where the guest is in the end', () => {
    expect(laneWords(null, t)).toBe('Waits for its turn')
    expect(laneWords(racing.me2, t)).toBe('Round 1 · copying while web runs')
    expect(laneWords(racing.stock, t)).toBe('Done. web ran on hostb after 122.3 s')
    expect(laneWords(done(cancelled), t)).toBe('Undone. web still runs on hosta')
  })
})

describe('the cursor', () => {
  it('stands where the lane that runs is', () => {
    expect(raceNowMs(racing)).toBe(racing.me2!.nowMs)
    expect(cursorWords(racing, 18_900, t)).toBe('ME2 is here, 18.9 s')
  })

  it('is gone once both are over', () => {
    expect(raceNowMs({ stock: done(stock), me2: done(me2) })).toBeNull()
  })

  it('tells the finished lane\'s value at that instant', () => {
    const words = marksOf(racing, 'left', racing.me2!.nowMs, t).map(({ text }) => text)
    expect(words).toHaveLength(2)
    expect(words[0]).toMatch(/^ME2 [\d,]+$/)
    expect(words[1]).toMatch(/^Stock had [\d,]+ left at this time$/)
  })
})

it('has a time axis as long as the longer lane', () => {
  expect(extentMs(racing)).toBeGreaterThan(racing.stock!.unpausedMs!)
})
