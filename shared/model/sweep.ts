/**
 * A sweep: at each of some link rates one stock run and one ME2 run of each of some encodings, and what they come to: a
 * table, the fastest at each rate, and where the fastest changes. A run that did not migrate the guest counts for nothing.
 */
import type { Encoding } from './encoding.ts'
import type { Leg } from './raceOrder.ts'
import type { FinishedRun, Run } from './run.ts'
import { encodingName, encodingOf } from './encoding.ts'
import { me2Leg, stockLeg, turnedRound } from './raceOrder.ts'
import { cpuTotalMs } from './raceTable.ts'
import { isFinished } from './run.ts'

/** The order is turned round at every other rate: each method then goes in both directions. */
export function sweepLegs(rates: readonly (number | null)[], encodings: readonly Encoding[]): Leg[] {
  return turnedRound(rates.map(rate => [stockLeg(rate), ...encodings.map(encoding => me2Leg(encoding, rate))]))
}

export interface SweepCell {
  run: string
  totalMs: number
  linkBytes: number
  /** Of agent and xl on both hosts; null: not told. */
  cpuMs: number | null
  /** Over stock at the same rate; null where stock was not measured, and 1 for stock itself. */
  timeRatio: number | null
  dataRatio: number | null
}

/** `stock`, or an encoding's name. */
export type Method = string

export interface SweepRow {
  /** Null: no cap. */
  rateMbit: number | null
  /** By method; null where it was not measured. */
  cells: Record<Method, SweepCell | null>
  /** Of least time among those measured; null where fewer than two were. */
  fastest: Method | null
}

/** Between two neighbouring rates the fastest changes. */
export interface Crossover {
  fromMbit: number | null
  toMbit: number | null
  from: Method
  to: Method
}

export interface SweepTable {
  /** `stock` first, then as they were first run. */
  methods: Method[]
  /** From the slowest link to the fastest; no cap last. */
  rows: SweepRow[]
  crossovers: Crossover[]
}

const stock: Method = 'stock'

function methodOf({ settings }: Run): Method {
  const encoding = encodingOf(settings)
  return encoding === null ? stock : encodingName(encoding)
}

function byRate(a: number | null, b: number | null): number {
  return (a ?? Infinity) === (b ?? Infinity) ? 0 : (a ?? Infinity) - (b ?? Infinity)
}

function ratio(value: number, of: number | undefined): number | null {
  return of === undefined || of === 0 ? null : value / of
}

function cellOf(run: FinishedRun | undefined, baseline: FinishedRun | undefined): SweepCell | null {
  if (!run || run.result.totalMs === null)
    return null
  const { totalMs, linkBytes } = run.result
  return {
    run: run.id,
    totalMs,
    linkBytes,
    cpuMs: cpuTotalMs(run.result),
    timeRatio: ratio(totalMs, baseline?.result.totalMs ?? undefined),
    dataRatio: ratio(linkBytes, baseline?.result.linkBytes),
  }
}

function fastestOf(cells: SweepRow['cells']): Method | null {
  const measured = Object.entries(cells).flatMap(([method, cell]) => cell ? [{ method, ms: cell.totalMs }] : [])
  if (measured.length < 2)
    return null
  return measured.reduce((best, other) => other.ms < best.ms ? other : best).method
}

function rowOf(rateMbit: number | null, methods: readonly Method[], migrated: readonly FinishedRun[]): SweepRow {
  const at = (method: Method): FinishedRun | undefined => migrated.findLast(run => run.settings.rateMbit === rateMbit && methodOf(run) === method)
  const baseline = at(stock)
  const cells = Object.fromEntries(methods.map(method => [method, cellOf(at(method), baseline)]))
  return { rateMbit, cells, fastest: fastestOf(cells) }
}

function crossoversOf(rows: readonly SweepRow[]): Crossover[] {
  const told = rows.flatMap(({ rateMbit, fastest }) => fastest === null ? [] : [{ rateMbit, fastest }])
  return told.slice(1).flatMap((after, index) => {
    const before = told[index]!
    return before.fastest === after.fastest ? [] : [{ fromMbit: before.rateMbit, toMbit: after.rateMbit, from: before.fastest, to: after.fastest }]
  })
}

/** `runs` in the order in which they were run; a later run of the same method and rate replaces an earlier one. */
export function sweepTable(runs: readonly Run[]): SweepTable {
  const migrated = runs.filter(isFinished).filter(run => run.result.outcome === 'migrated')
  const methods = [...new Set([stock, ...runs.map(methodOf)])]
  const rates = [...new Set(runs.map(({ settings }) => settings.rateMbit))].sort(byRate)
  const rows = rates.map(rate => rowOf(rate, methods, migrated))
  return { methods, rows, crossovers: crossoversOf(rows) }
}

export function isSweep(runs: readonly Run[]): boolean {
  return runs.some(({ race }) => race?.kind === 'sweep')
}
