/** A race as a table for a human: medians with their range, ME2 ÷ stock, the paper's averages beside it. */
import type { Measure, RaceRow } from '../../shared/model/raceTable.ts'
import type { EncodingUse, FinishedRun, RunProblem } from '../../shared/model/run.ts'
import type { Spread } from '../../shared/model/statistics.ts'
import { encodingOf, presetOf, runName } from '../../shared/model/encoding.ts'
import { fairness } from '../../shared/model/fairness.ts'
import { formatBytes, formatCount, formatMs, formatRatio, formatShare, sentences } from '../../shared/model/format.ts'
import { raceTable } from '../../shared/model/raceTable.ts'
import { formatTable } from './table.ts'

const measureNames: Record<Measure, string> = {
  data: 'sent',
  disk: '  of it for the disk',
  cpu: 'CPU time, both hosts',
  time: 'total time',
  downtime: 'paused',
  downtimeTransfer: '  of it transfer',
  heartbeatGap: 'heartbeat gap',
}

export const emulated = 'The boxed lab\'s CPUs are emulated: the ratios are the result, not the absolute figures.'

function figure(value: number, unit: RaceRow['unit']): string {
  return unit === 'bytes' ? formatBytes(value) : formatMs(value)
}

function spreadCells(spread: Spread | null, unit: RaceRow['unit']): [string, string] {
  if (!spread)
    return ['', '']
  const range = spread.count > 1 ? `${figure(spread.min, unit)} … ${figure(spread.max, unit)}` : ''
  return [figure(spread.median, unit), range]
}

function tableRow({ measure, unit, stock, me2, ratio, paper }: RaceRow): string[] {
  const optional = (value: number | null): string => value === null ? '' : formatRatio(value)
  return [measureNames[measure], ...spreadCells(stock, unit), ...spreadCells(me2, unit), optional(ratio), optional(paper)]
}

function fairnessLine(runs: readonly FinishedRun[]): string {
  const items = fairness(runs)
  const different = items.filter(item => !item.same)
  const kept = `Fair: ${items.length - different.length} of ${items.length} kept the same`
  const named = different.map(({ code, values }) => `${code} (${values.join('; ')})`)
  return different.length === 0 ? `${kept}.` : `${kept}. Different: ${named.join(', ')}.`
}

function kernelLine(runs: readonly FinishedRun[]): string[] {
  const { explored, notExplored } = runs.find(run => run.settings.mode === 'me2')?.result ?? {}
  if (explored)
    return [`ME2 explored Linux ${explored.kernel} in ${formatMs(explored.ms)}.`]
  return notExplored === null || notExplored === undefined ? [] : [`ME2 left nothing out: ${notExplored}.`]
}

/** Why the pause took as long as reading a disk. */
export function untraced(why: string): string {
  return `The disk's writes are not traced (${why}): the guest is paused while all of it is read.`
}

function untracedLines(runs: readonly FinishedRun[]): string[] {
  const reasons = runs.flatMap(run => run.result.disk?.notTraced ?? [])
  return [...new Set(reasons)].map(untraced)
}

/** Which encoder took how many pages, and what the cache was good for. */
export function encodingLines({ by, cache }: EncodingUse): string[] {
  const parts = by.map(({ encoder, level, pages, bytes, cpuMs }) =>
    `${level === 0 ? encoder : `${encoder} ${level}`} ${formatCount(pages)} pages (${formatBytes(bytes)}, CPU ${formatMs(cpuMs)})`)
  const kept = cache && cache.lookups > 0
    ? [`Cache: of ${formatCount(cache.lookups)} pages that were sent again, ${formatCount(cache.hits)} were still kept (${formatShare(cache.hits / cache.lookups)}).`]
    : []
  return [`Encoded by: ${parts.join(', ') || 'nothing'}.`, ...kept]
}

/** Of the last ME2 run that told. */
function encodingReport(runs: readonly FinishedRun[]): string[] {
  const encoding = runs.findLast(run => run.result.encoding !== null)?.result.encoding
  return encoding ? encodingLines(encoding) : []
}

/** `ME2 auto (preset best)`. */
function me2Name(runs: readonly FinishedRun[]): string {
  const settings = runs.find(run => run.settings.mode === 'me2')?.settings
  if (!settings)
    return 'ME2'
  const preset = presetOf(encodingOf(settings)!)
  return preset === null ? runName(settings) : `${runName(settings)} (preset ${preset})`
}

export function raceReport({ runs, problem }: { runs: readonly FinishedRun[], problem: RunProblem | null }): string {
  const trouble = problem ? [`The race ended early: ${sentences(problem.message, problem.action)}`] : []
  const first = runs[0]
  if (!first)
    return trouble.join('\n')
  const header = ['median (range)', 'stock', '', me2Name(runs), '', 'ME2 ÷ stock', 'paper']
  const rows = raceTable(runs).filter(row => row.stock ?? row.me2).map(tableRow)
  return [
    '', formatTable([header, ...rows], ['left', 'right', 'left', 'right', 'left']), '',
    ...kernelLine(runs), ...untracedLines(runs), ...encodingReport(runs), fairnessLine(runs), ...(first.lab === 'boxed' ? [emulated] : []), ...trouble,
  ].join('\n')
}
