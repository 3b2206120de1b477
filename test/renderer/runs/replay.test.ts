import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { lanesAt, replayEndMs, RunReplay, stepSpeed, wholeLanes } from '../../../renderer/features/runs/replay.ts'
import { useReplayClock } from '../../../renderer/features/runs/useReplayClock.ts'
import { addEvents, laneOf } from '../../../shared/model/lane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')

function replay({ run, events }: typeof stock): RunReplay {
  return new RunReplay(run, events)
}
/** The events of the first `timeMs` after t = 0, folded at once. */
function folded({ run, events }: typeof stock, zeroAtMs: number, timeMs: number) {
  return addEvents(laneOf({ ...run, result: null }), events.filter(({ atMs }: RunEvent) => atMs - zeroAtMs <= timeMs))
}

describe('a saved run at an instant', () => {
  const zeroAtMs = replay(stock).whole.zeroAtMs!

  it.each([0, 1000, 20_000, 90_000])('is what its events until then fold to, at %d ms', (timeMs) => {
    expect(replay(stock).at(timeMs)).toEqual(folded(stock, zeroAtMs, timeMs))
  })

  it('is the same whether it was played, or set there from later on', () => {
    const played = replay(stock)
    for (let timeMs = 0; timeMs < 30_000; timeMs += 700)
      played.at(timeMs)
    const back = replay(stock)
    back.at(100_000)
    expect(back.at(30_000).sent).toEqual(played.at(30_000).sent)
    expect(back.at(30_000).rounds).toEqual(played.at(30_000).rounds)
  })

  it('costs nothing where nothing was said', () => {
    const standing = replay(stock)
    const lane = standing.at(20_000)
    expect(standing.at(20_000)).toBe(lane)
  })

  it('is at its end what it ended as', () => {
    const { whole, endMs } = replay(stock)
    expect(replay(stock).at(endMs)).toEqual(whole)
    expect(whole.phase).toBe('ended')
    expect(replay(stock).at(endMs - 1).phase).not.toBe('ended')
  })
})

describe('a pair', () => {
  it('starts together and lasts as long as the longer run', () => {
    const pair = { stock: replay(stock), me2: replay(me2) }
    expect(replayEndMs(pair)).toBe(Math.max(pair.stock.endMs, pair.me2.endMs))
    const lanes = lanesAt(pair, pair.me2.endMs)
    expect(lanes.me2).toBe(wholeLanes(pair).me2)
    expect(lanes.stock!.phase).toBe('copy')
  })

  it('may lack a lane', () => {
    expect(lanesAt({ stock: null, me2: null }, 5)).toEqual({ stock: null, me2: null })
    expect(replayEndMs({ stock: null, me2: null })).toBe(0)
  })
})

describe('the clock of a replay', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
  afterEach(() => vi.useRealTimers())

  function clockOf(endMs: number) {
    const scope = effectScope()
    return { clock: scope.run(() => useReplayClock(() => endMs))!, stop: () => scope.stop() }
  }

  it('stands until it is played, then runs at its speed', () => {
    const { clock } = clockOf(60_000)
    vi.advanceTimersByTime(1000)
    expect(clock.timeMs.value).toBe(0)
    clock.play()
    vi.advanceTimersByTime(1000)
    expect(clock.timeMs.value).toBe(4000)
    clock.speed.value = 16
    vi.advanceTimersByTime(1000)
    expect(clock.timeMs.value).toBe(20_000)
  })

  it('does not count the time in which it was paused', () => {
    const { clock } = clockOf(60_000)
    clock.play()
    vi.advanceTimersByTime(500)
    clock.pause()
    vi.advanceTimersByTime(5000)
    clock.play()
    vi.advanceTimersByTime(500)
    expect(clock.timeMs.value).toBe(4000)
  })

  it('stops at its end, and plays from the start again', () => {
    const { clock } = clockOf(2000)
    clock.play()
    vi.advanceTimersByTime(1000)
    expect([clock.timeMs.value, clock.playing.value]).toEqual([2000, false])
    clock.play()
    expect([clock.timeMs.value, clock.playing.value]).toEqual([0, true])
  })

  it('can be set anywhere inside the replay', () => {
    const { clock } = clockOf(2000)
    clock.seek(-5)
    expect(clock.timeMs.value).toBe(0)
    clock.seek(9000)
    expect(clock.timeMs.value).toBe(2000)
  })

  it('ends with its scope', () => {
    const { clock, stop } = clockOf(60_000)
    clock.play()
    stop()
    vi.advanceTimersByTime(1000)
    expect(clock.timeMs.value).toBe(0)
  })
})

describe('the speeds', () => {
  it('go one step at a time and no further', () => {
    expect([stepSpeed(4, 1), stepSpeed(4, -1), stepSpeed(64, 1), stepSpeed(1, -1)]).toEqual([16, 1, 64, 1])
  })
})
