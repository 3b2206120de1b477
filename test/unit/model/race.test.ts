import type { FinishedRun, Mode, Run } from '../../../shared/model/run.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { presets } from '../../../shared/model/encoding.ts'
import { fairness } from '../../../shared/model/fairness.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { raceLegs } from '../../../shared/model/raceOrder.ts'
import { raceRatio, raceTable } from '../../../shared/model/raceTable.ts'
import { runSchema } from '../../../shared/model/run.ts'
import { finishedRun, hostFacts } from './runs.ts'

function measured(mode: Mode, linkBytes: number, totalMs: number): FinishedRun {
  return finishedRun({ settings: { mode, encoder: mode === 'me2' ? 'rle' : null }, result: { linkBytes, totalMs } })
}

describe('the order of a race', () => {
  const plan = { modes: ['stock', 'me2'], encoding: presets.paper, rateMbit: 20 } as const

  it('turns the modes round in every other repeat while the guest goes there and back', () => {
    expect(raceLegs({ ...plan, repeats: 2 }).map(({ mode }) => mode)).toEqual(['stock', 'me2', 'me2', 'stock'])
    expect(raceLegs({ ...plan, repeats: 1 })).toEqual([
      { mode: 'stock', encoder: null, level: null, cacheMiB: 0, rateMbit: 20 },
      { mode: 'me2', encoder: 'rle', level: null, cacheMiB: 0, rateMbit: 20 },
    ])
  })

  it('gives each mode each direction equally often over an even number of repeats', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10 }), (pairs) => {
      const legs = raceLegs({ ...plan, repeats: 2 * pairs })
      for (const mode of ['stock', 'me2'])
        expect(legs.filter((leg, index) => leg.mode === mode && index % 2 === 0)).toHaveLength(pairs)
    }))
  })
})

describe('the table of a race', () => {
  const runs = [measured('stock', 100, 1000), measured('me2', 30, 400), measured('me2', 50, 600), measured('stock', 140, 3000)]

  it('compares medians, ME2 over stock', () => {
    expect(raceRatio(runs)).toMatchObject({ data: 40 / 120, time: 500 / 2000, downtime: 1 })
  })

  it('leaves out runs that did not migrate', () => {
    const aborted = finishedRun({ settings: { mode: 'stock' }, result: { outcome: 'aborted', linkBytes: 1 } })
    expect(raceTable([...runs, aborted])[0]!.stock).toMatchObject({ count: 2, min: 100 })
  })

  it('leaves out runs that are not finished, and has no ratio without both modes', () => {
    const unfinished: Run = { ...measured('me2', 1, 1), result: null }
    expect(raceRatio([measured('stock', 100, 1000), unfinished]).data).toBeNull()
  })

  it('counts the processor time of both hosts, and of one alone not at all', () => {
    const spent = (target: { agent: number, xl: number } | null) => finishedRun({ result: { cpuMs: { source: { agent: 900, xl: 100 }, target } } })
    const stockOf = (run: Run) => raceTable([run]).find(({ measure }) => measure === 'cpu')!.stock
    expect(stockOf(spent({ agent: 300, xl: 200 }))).toMatchObject({ median: 1500 })
    expect(stockOf(spent(null))).toBeNull()
    expect(stockOf(finishedRun())).toBeNull()
  })

  it('does not count a figure that was not measured as 0', () => {
    const deaf = finishedRun({ result: { heartbeatGapMs: null } })
    const row = raceTable([deaf]).find(({ measure }) => measure === 'heartbeatGap')
    expect(row!.stock).toBeNull()
  })
})

describe('what was kept the same', () => {
  const there = measured('stock', 1, 1)
  const back = finishedRun({ settings: { mode: 'me2', encoder: 'rle' }, run: { from: hostFacts('hostb'), to: hostFacts('hosta') } })
  const named = (runs: readonly Run[], code: string) => fairness(runs).find(item => item.code === code)!

  it('is fair to go there and back between the same hosts', () => {
    expect(named([there, back], 'hosts')).toMatchObject({ same: true })
    expect(named([there, back], 'versions')).toMatchObject({ same: true })
  })

  it('names a link cap that differed', () => {
    const slower = finishedRun({ settings: { rateMbit: 10 } })
    expect(named([there, slower], 'rate')).toEqual({ code: 'rate', same: false, values: ['20 Mbit/s', '10 Mbit/s'] })
  })

  it('names encoders that differed, and asks stock for none', () => {
    const packed = finishedRun({ settings: { mode: 'me2', encoder: 'zstd', level: 9 } })
    expect(named([there, back], 'encoding')).toEqual({ code: 'encoding', same: true, values: ['rle'] })
    expect(named([there, back, packed], 'encoding')).toEqual({ code: 'encoding', same: false, values: ['rle', 'zstd 9'] })
  })

  it('says so when each mode went one way only', () => {
    expect(named([there, back], 'directions')).toMatchObject({ same: false })
    const stockBack = { ...back, settings: there.settings }
    const me2There = { ...there, settings: back.settings }
    expect(named([there, back, me2There, stockBack], 'directions')).toMatchObject({ same: true })
  })
})

describe('the document of a race', () => {
  it('holds every run with its figures', () => {
    const document = raceDocument({ id: 'race-1', runs: [measured('stock', 100, 1000), measured('me2', 40, 500)], problem: null })
    expect(document).toMatchObject({ race: 'race-1', guest: { name: 'web' }, ratio: { data: 0.4, time: 0.5 } })
    expect(document).not.toHaveProperty('error')
    expect(document.runs[1]).toMatchObject({
      mode: 'me2', encoder: 'rle', from: 'hosta', to: 'hostb', linkBytes: 40, totalMs: 500, downtimeMs: 900,
      downtimeTransferMs: 300, heartbeatGapMs: 1500, verify: { compared: 50_000, differing: 0, ioBuffers: 0 }, guestBad: 0, outcome: 'migrated',
    })
    expect(document.settings).toMatchObject({ encoder: 'rle', rateMbit: 20 })
  })

  it('is valid before the first run has ended', () => {
    const problem = { code: 'precheck-failed', message: 'no memory', action: 'make room' }
    expect(raceDocument({ id: 'race-1', runs: [], problem })).toMatchObject({ runs: [], guest: null, error: problem })
  })
})

describe('a saved run', () => {
  it('survives being written and read', () => {
    const run = finishedRun()
    expect(runSchema.parse(JSON.parse(JSON.stringify(run)))).toEqual(run)
  })

  it('of a console before encoders, sweeps and processor time is read as what it was', () => {
    const { race, settings, result, ...run } = finishedRun({ settings: { mode: 'me2', encoder: 'rle' } })
    const { kind: _, ...oldRace } = race!
    const { level: __, cacheMiB: ___, ...oldSettings } = settings
    const { encoding: ____, cpuMs: _____, ...oldResult } = result
    const rounds = result.rounds.map(({ delta: _, reference: __, ...round }) => round)
    expect(runSchema.parse({ ...run, race: oldRace, settings: oldSettings, result: { ...oldResult, rounds } })).toEqual({ ...run, race, settings, result })
  })

  it('is refused when its numbers are not numbers', () => {
    expect(runSchema.safeParse({ ...finishedRun(), settings: { ...finishedRun().settings, rateMbit: '20' } }).success).toBe(false)
  })
})
