import type { LaneState } from '../../../shared/model/lane.ts'
import type { RunSettings } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { endMarks, isOneRace, linesOf, overlaid, overlayExtentMs } from '../../../renderer/features/runs/overlay.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const [stock, me2] = (['web-stock', 'web-me2'] as const).map((name) => {
  const { run, events } = savedRun(name)
  return laneOfSaved(run, events)
}) as [LaneState, LaneState]
function again(lane: LaneState, id: string, startedAt: string, race = 'one'): LaneState {
  return { ...lane, run: { ...lane.run, id, startedAt, race: { id: race, index: 0, runs: 4, kind: 'race' } } }
}
const names = { full: ({ mode, encoder }: RunSettings) => encoder === null ? mode : `${mode} ${encoder}`, short: ({ mode, encoder }: RunSettings) => encoder ?? mode }
const three = overlaid([again(me2, 'c', '2026-11-23T03:00:00.000Z'), again(stock, 'b', '2026-11-23T02:00:00.000Z'), again(stock, 'a', '2026-11-23T01:00:00.000Z')], names)

describe('runs over each other', () => {
  it('are named in the order in which they were run, with a number where a method has several', () => {
    expect(three.map(({ id, name }) => [id, name])).toEqual([['a', 'stock 1'], ['b', 'stock 2'], ['c', 'me2 rle']])
  })

  it('are faint where a method has several', () => {
    expect(linesOf(three, 'sent').map(({ id, faint }) => [id, faint])).toEqual([['a', true], ['b', true], ['c', false]])
  })

  it('are all faint but the one that is pointed at', () => {
    expect(linesOf(three, 'rate', 'b').filter(({ faint }) => !faint).map(({ id }) => id)).toEqual(['b'])
    expect(endMarks(three, 'b').map(({ text }) => text)).toEqual(['stock 2 292.4 MB'])
  })

  it('have their own points', () => {
    expect(linesOf(three, 'sent')[2]!.points).toBe(me2.sent)
  })

  it('have one text a method at their ends, so that texts do not cover each other', () => {
    expect(endMarks(three).map(({ tone }) => tone)).toEqual(['stock', 'me2'])
    expect(endMarks(three)[1]).toMatchObject({ x: me2.sent.at(-1)!.x, y: me2.sent.at(-1)!.y, text: 'me2 rle 88.0 MB' })
  })

  it('with different encoders are told apart by them', () => {
    const packed = again(me2, 'd', '2026-11-23T04:00:00.000Z')
    const two = overlaid([again(me2, 'c', '2026-11-23T03:00:00.000Z'), { ...packed, run: { ...packed.run, settings: { ...packed.run.settings, encoder: 'lz4' } } }], names)
    expect(two.map(({ name, short }) => [name, short])).toEqual([['me2 rle', 'rle'], ['me2 lz4', 'lz4']])
    expect(endMarks(two).map(({ text }) => text)).toEqual(['me2 rle 88.0 MB', 'me2 lz4 88.0 MB'])
  })

  it('share an axis that holds the longest', () => {
    expect(overlayExtentMs(three)).toBeGreaterThan(stock.unpausedMs!)
    expect(overlayExtentMs([])).toBe(5000)
  })

  it('are told apart by their race', () => {
    expect(isOneRace(three)).toBe(true)
    expect(isOneRace(overlaid([again(stock, 'a', '2026-11-23T01:00:00.000Z'), again(me2, 'b', '2026-11-23T02:00:00.000Z', 'two')], names))).toBe(false)
  })
})
