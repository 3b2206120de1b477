import { describe, expect, it } from 'vitest'
import { dotStepMs, ticksOf, tickText, timeAxis, valueAxis } from '../../../renderer/charts/geometry.ts'
import { placeTexts } from '../../../renderer/charts/marks.ts'

describe('axes', () => {
  it('hold what they are for, and change seldom', () => {
    for (const extent of [1, 900, 4800, 29_000, 122_000, 3_500_000, 9_000_000])
      expect(timeAxis(extent).maxMs).toBeGreaterThanOrEqual(extent)
    expect(timeAxis(31_000)).toEqual(timeAxis(38_000))
  })

  it('have a few ticks from 0 on', () => {
    expect(ticksOf(timeAxis(29_000)).map(tickText)).toEqual(['0', '5 s', '10 s', '15 s', '20 s', '25 s', '30 s'])
    expect(valueAxis(292)).toEqual({ max: 300, step: 100 })
    expect(valueAxis(0)).toEqual({ max: 1, step: 0.5 })
  })

  it('keep heartbeat dots apart', () => {
    expect(dotStepMs(30, 5)).toBe(200)
    expect(dotStepMs(180, 5)).toBe(1000)
  })
})

describe('words at the ends of lines', () => {
  const area = { left: 50, right: 500, top: 0, bottom: 200 }

  it('stand right of their dot, or end at it where there is no room', () => {
    const [inside, atEdge] = placeTexts([{ x: 100, y: 50, width: 80, height: 14, nudge: 0 }, { x: 480, y: 100, width: 80, height: 14, nudge: 0 }], area)
    expect(inside).toEqual({ x: 110, y: 50 })
    expect(atEdge!.x + 80).toBeLessThanOrEqual(area.right)
    expect(atEdge!.y).toBeLessThan(100 - 7)
  })

  it('make way for each other', () => {
    const texts = placeTexts([{ x: 100, y: 50, width: 80, height: 14, nudge: 0 }, { x: 100, y: 54, width: 80, height: 14, nudge: 0 }], area)
    expect(Math.abs(texts[0]!.y - texts[1]!.y)).toBeGreaterThanOrEqual(14)
  })
})
