import type { LaneState } from '../../../shared/model/lane.ts'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { SavedRun } from '../../fixtures/savedRuns.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addEvents, canBeStopped, dirtyRates, endLane, fateBytes, finishMs, heartbeatOf, laneOf, leftNow, leftOver, longestGapMs, rateNow, roundNow } from '../../../shared/model/lane.ts'
import { maxPoints, valueAt } from '../../../shared/model/series.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'
import { heartbeatMessage, progressMessage, roundMessage, startMessage } from './messages.ts'
import { finishedRun } from './runs.ts'

const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')
const cancelled = savedRun('web-cancelled')

function unfinished(run: Run): Run {
  return { ...run, result: null }
}
function until({ run, events }: SavedRun, stop: (event: RunEvent) => boolean): LaneState {
  const end = events.findIndex(stop)
  return addEvents(laneOf(unfinished(run)), events.slice(0, end + 1))
}
function whole({ run, events }: SavedRun): LaneState {
  return endLane(addEvents(laneOf(unfinished(run)), events), run)
}
function said(kind: string): (event: RunEvent) => boolean {
  return event => 'message' in event && event.message.t === kind
}
function events(...messages: [number, Extract<RunEvent, { message: unknown }>['message']][]): RunEvent[] {
  return [
    { atMs: 0, from: 'console', phase: 'connect' },
    ...messages.map(([atMs, message]): RunEvent => ({ atMs, from: 'source', message })),
  ]
}
const bare = (): LaneState => laneOf(unfinished(finishedRun({ run: { guest: { ...finishedRun().guest, memoryBytes: 1000 * 4096 } } })))

describe.each([['stock', stock], ['me2', me2]] as const)('the lane of a saved %s run', (_, saved) => {
  const lane = whole(saved)
  const { result } = saved.run

  it('ends with the figures of its result', () => {
    expect(lane.figures).toMatchObject({ linkBytes: result.linkBytes, totalMs: result.totalMs, downtimeMs: result.downtimeMs, rounds: result.rounds, verify: result.verify })
    expect(lane.pauseMs).toBe(result.downtimeMs)
    expect(longestGapMs(lane)).toBe(result.heartbeatGapMs)
  })

  it('measured the pause on the source\'s clock before the result came', () => {
    expect(until(saved, said('unpaused')).pauseMs).toBeCloseTo(result.downtimeMs!, 1)
  })

  it('starts its time where the connection began', () => {
    const connect = saved.events.find(event => 'phase' in event && event.phase === 'connect')!
    expect(lane.zeroAtMs).toBe(connect.atMs)
    expect(finishMs(lane)).toBe(saved.events.find(said('unpaused'))!.atMs - connect.atMs)
  })

  it('sends nothing after the guest runs again, and never takes back', () => {
    expect(lane.sent.at(-1)!.x).toBe(finishMs(lane))
    expect(lane.sent.at(-1)!.y).toBeLessThanOrEqual(result.linkBytes)
    expect(lane.sent.at(-1)!.y).toBeGreaterThan(result.linkBytes * 0.99)
    expect(lane.sent.every((point, index) => index === 0 || (point.x >= lane.sent[index - 1]!.x && point.y >= lane.sent[index - 1]!.y))).toBe(true)
  })

  it('counts pages by fate as the rounds do', () => {
    const sum = (fate: keyof LaneState['fates']): number => result.rounds.reduce((total, round) => total + round[fate], 0)
    expect(lane.fates).toEqual({ pages: sum('pages'), leftOut: sum('leftOut'), constant: sum('constant'), encoded: sum('encoded'), raw: sum('raw'), delta: 0, reference: 0 })
  })

  it('draws what is left in a round from its pages down to none', () => {
    for (const round of lane.rounds) {
      expect(lane.left).toContainEqual({ x: round.endMs, y: 0 })
      expect(lane.left.some(({ x, y }) => x === round.startMs && y === round.pages)).toBe(true)
    }
    expect(lane.left[0]).toEqual({ x: 0, y: result.rounds[0]!.pages })
    expect(leftOver(lane)).toBe(lane.left)
    expect(leftNow(lane)).toBe(0)
  })

  it('has a timeline without holes before the pause, and the guest at the target after it', () => {
    const before = lane.segments.filter(({ kind }) => ['connect', 'explore', 'round'].includes(kind))
    for (const [index, segment] of before.slice(1).entries())
      expect(segment.startMs - before[index]!.endMs).toBeLessThan(50)
    expect(lane.segments.filter(({ kind }) => kind === 'round').map(({ pages }) => pages)).toEqual(result.rounds.map(({ pages }) => pages))
    expect(lane.segments.find(({ kind }) => kind === 'pause')).toMatchObject({ startMs: lane.suspendedMs, endMs: lane.unpausedMs, open: false })
    expect(lane.segments.slice(-2).map(({ kind }) => kind)).toEqual(['verify', 'target'])
  })

  it('hears nothing of the guest while it is paused', () => {
    const { heardMs } = heartbeatOf(lane)
    expect(heardMs.length).toBeGreaterThan(50)
    // What was heard just before stands in the next report; the saved ones are 400 ms apart.
    expect(heardMs.filter(ms => ms > lane.suspendedMs! + 450 && ms < lane.unpausedMs!)).toEqual([])
  })

  it('tells the average rate once it is over', () => {
    expect(rateNow(lane)).toBeCloseTo(result.linkBytes / result.totalMs! * 1000, 6)
    expect(lane.rate.every(({ y }) => y < 20e6 / 8 * 1.2)).toBe(true)
  })

  it('is the same whether events come one by one or at once', () => {
    const oneByOne = saved.events.reduce((each, event) => addEvents(each, [event]), laneOf(unfinished(saved.run)))
    expect(endLane(oneByOne, saved.run)).toEqual(lane)
  })
})

describe('the lane of the ME2 run', () => {
  it('explored the guest before the first page', () => {
    const lane = whole(me2)
    const explore = lane.segments.find(({ kind }) => kind === 'explore')!
    expect(explore.endMs - explore.startMs).toBeCloseTo(me2.run.result.explored!.ms, 6)
    expect(explore.endMs).toBeLessThanOrEqual(lane.rounds[0]!.startMs)
    expect(until(me2, event => 'phase' in event && event.phase === 'precopy').phase).toBe('explore')
  })

  it('splits the bytes of its rounds by fate', () => {
    const lane = whole(me2)
    const { leftOut, constant, packed, raw } = fateBytes(lane)
    expect(leftOut).toBe(0)
    expect(raw).toBe(lane.fates.raw * 4096)
    expect(constant + packed! + raw).toBe(me2.run.result.rounds.reduce((sum, round) => sum + round.linkBytes, 0))
    expect(packed!).toBeLessThan(lane.fates.encoded * 4096)
  })

  it('may be stopped until the go-ahead', () => {
    expect(canBeStopped(until(me2, said('ready')))).toBe(true)
    expect(canBeStopped(until(me2, said('goAhead')))).toBe(false)
  })
})

describe('a round that goes on', () => {
  it('counts the first down from the guest\'s size, and says how many pages a later one has handled', () => {
    const first = addEvents(bare(), events([100, progressMessage({ pages: 300, linkBytes: 10 })]))
    expect([roundNow(first), leftNow(first)]).toEqual([1, 700])
    expect(leftOver(first)).toEqual([{ x: 0, y: 1000 }, { x: 100, y: 1000 }, { x: 100, y: 700 }])
    const second = addEvents(first, events(
      [200, roundMessage({ pages: 990, ms: 150 })],
      [300, progressMessage({ round: 1, pages: 1010, linkBytes: 20, lastRoundPages: 990 })],
    ).slice(1))
    expect([roundNow(second), leftNow(second)]).toEqual([2, null])
    expect(second.openRound!.handled).toEqual([{ x: 300, y: 20 }])
    expect(leftOver(second).at(-1)).toEqual({ x: 200, y: 0 })
  })

  it('goes on where the end of the one before was lost', () => {
    const lane = addEvents(bare(), events(
      [100, progressMessage({ pages: 900, linkBytes: 10 })],
      [200, progressMessage({ round: 1, pages: 950, linkBytes: 20 })],
      [300, roundMessage({ round: 1, pages: 50, ms: 80 })],
    ))
    expect(lane.rounds.map(({ number, pages }) => [number, pages])).toEqual([[2, 50]])
    expect(lane.closedPages).toBe(950)
  })
})

describe('pages that came from the cache', () => {
  it('have fates of their own, and their bytes stand with those encoded', () => {
    const lane = addEvents(bare(), events(
      [100, progressMessage({ pages: 100, leftOut: 40, constant: 20, encoded: 10, raw: 10, delta: 15, reference: 5, linkBytes: 50_000 })],
      [200, roundMessage({ pages: 100, leftOut: 40, constant: 20, encoded: 10, raw: 10, delta: 15, reference: 5, linkBytes: 50_000 })],
    ))
    expect(lane.fates).toEqual({ pages: 100, leftOut: 40, constant: 20, encoded: 10, raw: 10, delta: 15, reference: 5 })
    expect(lane.rounds[0]).toMatchObject({ delta: 15, reference: 5 })
    expect(fateBytes(lane)).toEqual({ leftOut: 0, constant: 160, packed: 50_000 - 160 - 40_960, raw: 40_960 })
  })
})

describe('a run that was cancelled', () => {
  it('ends where the source said so, without a pause', () => {
    const lane = whole(cancelled)
    expect(lane).toMatchObject({ phase: 'ended', suspendedMs: null, pauseMs: null, unpausedMs: null })
    expect(finishMs(lane)).toBe(cancelled.events.find(event => said('done')(event) && event.from === 'source')!.atMs - lane.zeroAtMs!)
    expect(lane.segments.at(-1)).toMatchObject({ kind: 'round', round: 1, open: false })
    expect(canBeStopped(lane)).toBe(false)
  })

  it('was not heard, as its guest had no heartbeat then', () => {
    expect(heartbeatOf(whole(cancelled)).heardMs).toEqual([])
  })
})

describe('rates', () => {
  it('are what the next round had to carry', () => {
    expect(dirtyRates([{ pages: 1000, ms: 2000 }, { pages: 300, ms: 500 }, { pages: 50, ms: 100 }])).toEqual([150, 100, null])
  })

  it('are averaged over a second', () => {
    const steps = Array.from({ length: 31 }, (_, index): [number, ReturnType<typeof progressMessage>] => [index * 100, progressMessage({ pages: index, linkBytes: index * 1000 })])
    const lane = addEvents(bare(), events(...steps))
    expect(lane.rate.length).toBeGreaterThan(10)
    for (const { y } of lane.rate)
      expect(y).toBeCloseTo(10_000, 6)
  })
})

describe('events that are late, lost or many', () => {
  it('takes the source\'s first word for the start where the log lost it', () => {
    const lane = addEvents(bare(), [
      { atMs: 500, from: 'source', message: heartbeatMessage() },
      { atMs: 700, from: 'source', message: startMessage() },
      { atMs: 900, from: 'source', message: progressMessage({ linkBytes: 5 }) },
    ])
    expect(lane.zeroAtMs).toBe(700)
    expect(lane.sent).toEqual([{ x: 200, y: 5 }])
  })

  it('passes over progress that is older than what it knows', () => {
    const lane = addEvents(bare(), events([100, progressMessage({ pages: 500, linkBytes: 50 })], [110, progressMessage({ pages: 400, linkBytes: 40 })]))
    expect(lane.fates.pages).toBe(500)
    expect(lane.sent).toHaveLength(1)
  })

  it('listens at the target once the source has fallen silent', () => {
    const at = (atMs: number, from: 'source' | 'target', received: number): RunEvent => ({ atMs, from, message: heartbeatMessage({ received }) })
    const lane = addEvents(bare(), [...events(), at(100, 'source', 1), at(100, 'target', 1), at(5000, 'target', 9)])
    expect(heartbeatOf(lane).heardMs).toEqual([100, 5000])
  })

  it('stays bounded and keeps the extremes of its lines', () => {
    const many = Array.from({ length: 12_000 }, (_, index): [number, ReturnType<typeof progressMessage>] => [index, progressMessage({ pages: index, linkBytes: index })])
    const lane = addEvents(bare(), events(...many))
    expect(lane.sent.length).toBeLessThanOrEqual(maxPoints)
    expect([lane.sent[0], lane.sent.at(-1)]).toEqual([{ x: 0, y: 0 }, { x: 11_999, y: 11_999 }])
    expect(valueAt(lane.sent, 6000.5)).toBeCloseTo(6000.5, 6)
  })

  it('never throws, takes nothing back and leaves the old lane alone, whatever is missing and in whatever order', () => {
    const positions = fc.array(fc.nat({ max: me2.events.length - 1 }), { maxLength: 120 })
    fc.assert(fc.property(positions, (order) => {
      let lane = laneOf(unfinished(me2.run))
      for (const position of order) {
        const before = lane
        const copy = structuredClone(before)
        lane = addEvents(lane, [me2.events[position]!])
        expect(before).toEqual(copy)
        expect(lane.fates.pages).toBeGreaterThanOrEqual(before.fates.pages)
        expect(lane.nowMs).toBeGreaterThanOrEqual(before.nowMs)
        expect(lane.segments.every(({ startMs, endMs }) => Number.isFinite(startMs) && endMs >= startMs)).toBe(true)
      }
    }), { numRuns: 30 })
  })
})
