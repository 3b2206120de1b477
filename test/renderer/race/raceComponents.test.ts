import type { LanePair } from '../../../shared/model/raceState.ts'
import type { EncodingUse, FinishedRun } from '../../../shared/model/run.ts'
import { mount } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import { i18n } from '../../../renderer/app/i18n.ts'
import FateBars from '../../../renderer/charts/FateBars.vue'
import EncodersUsed from '../../../renderer/features/race/EncodersUsed.vue'
import LaneBoard from '../../../renderer/features/race/LaneBoard.vue'
import NothingLost from '../../../renderer/features/race/NothingLost.vue'
import ResultTable from '../../../renderer/features/race/ResultTable.vue'
import RoundsTable from '../../../renderer/features/race/RoundsTable.vue'
import { addEvents, endLane, laneOf } from '../../../shared/model/lane.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')
const lanes: LanePair = {
  stock: endLane(addEvents(laneOf({ ...stock.run, result: null }), stock.events), stock.run),
  me2: addEvents(laneOf({ ...me2.run, result: null }), me2.events.filter(({ atMs }) => atMs <= 20_000)),
}

beforeEach(() => {
  i18n.global.locale.value = 'en'
})

function show(component: Parameters<typeof mount>[0], props: Record<string, unknown>) {
  return mount(component, { props, global: { plugins: [i18n, createPinia()], stubs: { UIcon: true } } })
}
function textOf(wrapper: ReturnType<typeof show>, selector: string): string {
  return wrapper.get(selector).text().replace(/\s+/g, ' ')
}

describe('the lane board', () => {
  it('has the same five columns for both lanes', () => {
    const board = show(LaneBoard, { lanes })
    expect(board.findAll('[data-lane=stock] dd')).toHaveLength(5)
    expect(board.findAll('[data-lane=me2] dd')).toHaveLength(5)
    expect(textOf(board, '[data-lane=stock]')).toContain('Done. web ran on hostb after 122.3 s')
    expect(textOf(board, '[data-lane=me2]')).toContain('sent so far')
  })

  it('speaks Chinese', () => {
    i18n.global.locale.value = 'zh'
    expect(textOf(show(LaneBoard, { lanes: { stock: null, me2: null } }), '[data-lane=me2]')).toContain('等待轮到它')
  })
})

describe('a disk under its guest\'s lane', () => {
  const disk = {
    phase: 'copy', blocks: 1000, leftOut: 600, notExplored: null, notTraced: null, pass: 1, done: 100, planned: 400, sent: 100, linkBytes: 200_000, finalMs: null,
    fates: { constant: 50, encoded: 50, raw: 0, delta: 0, reference: 0 },
  } as const
  const boardOf = (change: object) => show(LaneBoard, { lanes: { stock: lanes.stock, me2: { ...lanes.me2!, disk: { ...disk, ...change } } } })

  it('tells what stays, what has travelled and what is left, and is not there without a disk', () => {
    const board = boardOf({})
    expect(board.findAll('[data-lane=stock] [role=img]')).toHaveLength(0)
    expect(textOf(board, '[data-lane=me2] p')).toBe('Disk · Pass 1: 100 of 400 blocks · 0.2 MB sent · 600 blocks left out (60.0 %)')
    expect(board.findAll('[data-lane=me2] [role=img] span').map(part => [part.attributes('title'), part.attributes('style')])).toEqual([
      ['left out: 600', 'width: 60%;'], ['constant: 50', 'width: 5%;'], ['encoded: 50', 'width: 5%;'], ['to be sent: 300', 'width: 30%;'],
    ])
  })

  it('is whole in later passes, and says why nothing stays', () => {
    const board = boardOf({ pass: 3, done: 0, planned: 2, leftOut: 0, notExplored: 'the guest did not sync' })
    expect(textOf(board, '[data-lane=me2] p')).toContain('All blocks travel: the guest did not sync')
    expect(board.findAll('[data-lane=me2] [role=img] span').map(part => part.attributes('title'))).toEqual(['constant: 500', 'encoded: 500'])
  })

  it('says that the pause will be long where its writes are not traced, and stays whole while it is compared', () => {
    const board = boardOf({ phase: 'compare', leftOut: 0, notTraced: 'somebody else traces it', done: 7, planned: 1000 })
    expect(textOf(board, '[data-lane=me2] p')).toContain('Looking for what was written: 7 of 1,000 blocks')
    expect(textOf(board, '[data-lane=me2] p')).toContain('Paused while all of the disk is read, for its writes are not traced: somebody else traces it')
    expect(board.findAll('[data-lane=me2] [role=img] span').map(part => part.attributes('title'))).toEqual(['constant: 500', 'encoded: 500'])
  })
})

describe('what shows that nothing was lost', () => {
  const disk = { bytes: 4096, leftOut: 0, notExplored: null, tracked: 'trace', notTraced: null, blocks: 9, linkBytes: 9, passes: 1, final: null, kept: true }
  const runWith = (verify: object | null) => ({ ...me2.run, result: { ...me2.run.result, disk: { ...disk, verify } } }) as FinishedRun

  it('counts the disk\'s blocks too, where one went along', () => {
    const told = show(NothingLost, { runs: [runWith({ compared: 4000, differing: 0, inFlight: 1 })] }).text()
    expect(told).toContain('Nothing was lost')
    expect(told).toContain('Disk: 4,000 blocks compared, 0 differ')
    expect(show(NothingLost, { runs: [me2.run] }).text()).not.toContain('Disk')
    expect(show(NothingLost, { runs: [runWith({ compared: 4000, differing: 3, inFlight: 0 })] }).text()).toContain('Something may be lost')
    expect(show(NothingLost, { runs: [runWith(null)] }).text()).toContain('not compared in 1 of 1')
  })
})

describe('pages by fate', () => {
  const cached = { ...me2.run, settings: { ...me2.run.settings, encoder: 'auto' as const, cacheMiB: 64 } }
  const lane = { ...laneOfSaved(me2.run, me2.events), run: cached, fates: { pages: 100, leftOut: 40, constant: 20, encoded: 10, raw: 10, delta: 15, reference: 5 } }

  it('show those of the cache only where there was one', () => {
    expect(show(FateBars, { lanes }).findAll('[data-fate]').map(row => row.attributes('data-fate'))).toEqual(['leftOut', 'constant', 'encoded', 'raw'])
    const rows = show(FateBars, { lanes: { stock: null, me2: lane } }).findAll('[data-fate]')
    expect(rows.map(row => [row.attributes('data-fate'), row.findAll('td')[0]!.text()])).toEqual([['leftOut', '40'], ['constant', '20'], ['reference', '5'], ['delta', '15'], ['encoded', '10'], ['raw', '10']])
  })

  it('give one figure of bytes to what is known together only', () => {
    const table = show(FateBars, { lanes: { stock: null, me2: lane } })
    expect(table.get('[data-fate=reference] td[rowspan="3"]').text()).not.toBe('')
    expect(table.get('[data-fate=delta]').findAll('td')).toHaveLength(1)
  })
})

describe('what encoded the pages', () => {
  const encoding = { by: [{ encoder: 'zstd', level: 3, pages: 1200, bytes: 3_400_000, cpuMs: 2500 }, { encoder: 'lz4', level: 0, pages: 0, bytes: 0, cpuMs: 0 }], cache: { pages: 16_384, lookups: 400, hits: 300 } } satisfies EncodingUse
  const run: FinishedRun = { ...me2.run, settings: { ...me2.run.settings, encoder: 'auto', cacheMiB: 64 }, result: { ...me2.run.result, encoding } }

  it('is told with pages, bytes and processor time, without those that took none', () => {
    const used = show(EncodersUsed, { run, pair: 1 })
    expect(used.findAll('tbody tr').map(row => row.text().replace(/\s+/g, ' '))).toEqual(['zstd 31,2003.42.50'])
    expect(used.text()).toContain('of 400 pages that were sent again it still had 300, 75.0 %')
  })

  it('is not claimed where the agent did not tell', () => {
    expect(show(EncodersUsed, { run: me2.run }).text()).toBe('')
  })
})

describe('the rounds', () => {
  it('show the first four, the last one, and how many were left out', () => {
    const rounds = show(RoundsTable, { lanes })
    const rows = rounds.findAll('tbody tr').map(row => row.findAll('td').map(cell => cell.text()))
    const { rounds: real } = stock.run.result
    expect(rows[0]).toEqual([...real.slice(0, 4), real.at(-1)!].map(({ pages }) => pages.toLocaleString('en-US')))
    expect(rows[2]![0]).toMatch(/…$/)
    expect(rounds.text()).toContain('and 1 more before the last')
  })
})

describe('the result', () => {
  it('has medians, the ratio and what is less by how much, with points beyond the paper', () => {
    const row = textOf(show(ResultTable, { runs: [stock.run, me2.run] }), '[data-measure=data]')
    expect(row).toContain('292.4')
    expect(row).toContain('88.0')
    expect(row).toContain('0.30')
    expect(row).toContain('70 %')
    expect(row).toContain('19 points better here')
  })

  it('says it as plainly when ME2 is worse', () => {
    const worse: FinishedRun = { ...me2.run, result: { ...me2.run.result, downtimeMs: stock.run.result.downtimeMs! * 1.25 } }
    const row = textOf(show(ResultTable, { runs: [stock.run, worse] }), '[data-measure=downtime]')
    expect(row).toContain('25 % more')
    expect(row).toContain('73 points worse here')
  })

  it('compares nothing when one mode is missing', () => {
    const table = show(ResultTable, { runs: [stock.run] })
    expect(textOf(table, '[data-measure=data]')).not.toContain('%less')
    expect(table.get('[data-measure=data]').findAll('td')[3]!.text()).toBe('–')
  })
})

describe('what was lost', () => {
  it('is nothing when all pages agree', () => {
    const { compared } = stock.run.result.verify!
    expect(show(NothingLost, { runs: [stock.run] }).text()).toContain(`Hashes: ${compared.toLocaleString('en-US')} pages compared, 0 differ`)
  })

  it('does not claim what was not looked at, and names what differs', () => {
    const unverified: FinishedRun = { ...me2.run, result: { ...me2.run.result, verify: null, guestBad: 2 } }
    const text = show(NothingLost, { runs: [stock.run, unverified] }).text()
    expect(text).toContain('Something may be lost')
    expect(text).toContain('Pages were not compared in 1 of 2 runs')
    expect(text).toContain('bad = 2')
  })
})
