import type { RaceMessage } from '../../../shared/contract/races.ts'
import type { RaceState } from '../../../shared/model/raceState.ts'
import type { SavedRun } from '../../fixtures/savedRuns.ts'
import { describe, expect, it } from 'vitest'
import { addRaceMessages, finishedPairs, running } from '../../../shared/model/raceState.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')

const started: RaceMessage = {
  kind: 'started',
  id: 'race-1',
  lab: 'boxed',
  runs: 4,
  request: { guest: 'web', from: 'hosta', to: 'hostb', modes: ['stock', 'me2'], repeats: 2, encoder: 'rle', level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20, verify: true, scrub: true, settleMs: 5000, force: false, withDisk: null, twin: null },
}

function begin({ run }: SavedRun, id = run.id): RaceMessage {
  return { kind: 'runStarted', run: { ...run, id, result: null }, index: 0, runs: 4 }
}
function middle({ run, events }: SavedRun, id = run.id): RaceMessage[] {
  return events.map(event => ({ kind: 'run', id, event }))
}
function end({ run }: SavedRun, id = run.id): RaceMessage {
  return { kind: 'runEnded', run: { ...run, id } }
}
function after(...messages: RaceMessage[]): RaceState {
  return addRaceMessages(null, messages)!
}

describe('a race', () => {
  it('is nothing before it has started', () => {
    expect(addRaceMessages(null, [])).toBeNull()
    expect(addRaceMessages(null, [end(stock)])).toBeNull()
  })

  it('goes from the pre-check over settling to a run', () => {
    expect(after(started).stage).toBe('checking')
    const settling = after(started, { kind: 'precheck', from: 'hosta', to: 'hostb', checks: [] }, { kind: 'settling', ms: 5000 })
    expect(settling).toMatchObject({ stage: 'settling', settleMs: 5000, prechecks: [{ from: 'hosta' }] })
    expect(after(started, begin(stock))).toMatchObject({ stage: 'running', started: 1 })
  })

  it('keeps the finished lane beside the one that runs', () => {
    const race = after(started, begin(stock), ...middle(stock), end(stock), begin(me2), ...middle(me2).slice(0, 300))
    expect(race.lanes.stock).toMatchObject({ phase: 'ended', pauseMs: stock.run.result.downtimeMs })
    expect(race.lanes.me2).toMatchObject({ phase: 'copy' })
    expect(running(race.lanes)).toEqual(['me2'])
  })

  it('is the same in one batch or in many', () => {
    const messages = [started, begin(stock), ...middle(stock), end(stock), begin(me2), ...middle(me2), end(me2)]
    const batched = Array.from({ length: Math.ceil(messages.length / 97) }, (_, index) => messages.slice(index * 97, index * 97 + 97))
      .reduce<RaceState | null>(addRaceMessages, null)
    expect(batched).toEqual(after(...messages))
  })

  it('clears both lanes when a mode begins its second run', () => {
    const race = after(started, begin(stock), end(stock), begin(me2), end(me2), begin(me2, 'me2-2'))
    expect(race.lanes.stock).toBeNull()
    expect(race.lanes.me2?.run.id).toBe('me2-2')
    expect(race.finished).toHaveLength(2)
  })

  it('lets a twin that is behind run on when the other one begins anew', () => {
    const race = after(started, begin(stock), begin(me2), end(me2), begin(me2, 'me2-2'), ...middle(stock), end(stock))
    expect(race.lanes.stock).toMatchObject({ phase: 'ended', pauseMs: stock.run.result.downtimeMs })
    expect(running(race.lanes)).toEqual(['me2'])
  })

  it('starts over with the next race, and passes over runs it does not know', () => {
    const over = after(started, begin(stock), end(stock), { kind: 'ended', problem: null })
    expect(over.stage).toBe('ended')
    const next = addRaceMessages(over, [{ ...started, id: 'race-2' }, ...middle(stock).slice(0, 3)])
    expect(next).toMatchObject({ id: 'race-2', finished: [], lanes: { stock: null, me2: null } })
  })

  it('ends with the problem that ended it', () => {
    const problem = { code: 'cancelled', message: 'The race was cancelled.', action: '' }
    expect(after(started, { kind: 'ended', problem })).toMatchObject({ stage: 'ended', problem })
  })
})

describe('finished pairs', () => {
  it('are the n-th run of each mode, in the order they were run', () => {
    const later = { ...stock.run, id: 'stock-2', startedAt: '2099-01-01T00:00:00.000Z' }
    const pairs = finishedPairs([stock.run, me2.run, { ...me2.run, id: 'me2-2' }, later])
    expect(pairs.map(({ stock, me2, first }) => [stock.id, me2.id, first])).toEqual([[stock.run.id, me2.run.id, 'stock'], ['stock-2', 'me2-2', 'me2']])
  })

  it('need both to have migrated', () => {
    const failed = { ...me2.run, result: { ...me2.run.result, outcome: 'failed' as const } }
    expect(finishedPairs([stock.run, failed])).toEqual([])
    expect(finishedPairs([stock.run])).toEqual([])
  })
})
