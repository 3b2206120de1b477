/**
 * A report that stands by itself: one HTML file without script, without a request, with its charts as SVG. Everything that
 * came from hosts and guests is escaped, and its own policy forbids the rest.
 */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { FinishedRun, Mode, Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { Spread } from '../../../shared/model/statistics.ts'
import { fairness } from '../../../shared/model/fairness.ts'
import { formatCount, formatRatio } from '../../../shared/model/format.ts'
import { addEvents, endLane, laneOf } from '../../../shared/model/lane.ts'
import { raceTable } from '../../../shared/model/raceTable.ts'
import { isFinished } from '../../../shared/model/run.ts'
import { reportWords } from './reportWords.ts'

export interface ReportRun {
  run: Run
  events: readonly RunEvent[]
  isRecording: boolean
}

type Words = typeof reportWords['en']

const colours: Record<Mode, string> = { stock: '#d55e00', me2: '#0072b2' }
const names: Record<Mode, string> = { stock: 'Stock', me2: 'ME2' }
const chart = { width: 900, height: 260, left: 52, right: 150, top: 12, bottom: 24 }

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\'', '&#39;')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td'): string => `<tr>${cells.map(cell => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`
  return `<table><thead>${row(head, 'th')}</thead><tbody>${rows.map(cells => row(cells, 'td')).join('')}</tbody></table>`
}

function laneFrom({ run, events }: ReportRun): LaneState {
  return endLane(addEvents(laneOf({ ...run, result: null }), events), run)
}

/** Points that can be told apart at this width are enough. */
function thin<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, Math.ceil(items.length / most))
  return items.filter((_, index) => index % step === 0 || index === items.length - 1)
}

function axisStep(max: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(max, 1e-9)))
  return [0.2, 0.5, 1, 2, 5].map(factor => factor * power).find(step => max / step <= 6) ?? power * 10
}

/** Bytes on the wire over time, all runs from t = 0. */
function sentChart(lanes: readonly LaneState[]): string {
  const drawn = lanes.filter(lane => lane.sent.length > 1)
  const maxS = Math.max(1, ...drawn.map(lane => lane.sent.at(-1)!.x / 1000))
  const maxMb = Math.max(1, ...drawn.map(lane => lane.sent.at(-1)!.y / 1e6))
  const x = (seconds: number): number => chart.left + seconds / maxS * (chart.width - chart.left - chart.right)
  const y = (mb: number): number => chart.height - chart.bottom - mb / maxMb * (chart.height - chart.top - chart.bottom)
  const ticks = (max: number): number[] => Array.from({ length: Math.floor(max / axisStep(max)) + 1 }, (_, index) => index * axisStep(max))
  const grid = [
    ...ticks(maxMb).map(mb => `<line x1="${chart.left}" x2="${x(maxS)}" y1="${y(mb)}" y2="${y(mb)}" stroke="#e8ecef"/><text x="${chart.left - 8}" y="${y(mb) + 4}" text-anchor="end">${mb}</text>`),
    ...ticks(maxS).map(seconds => `<text x="${x(seconds)}" y="${chart.height - 6}" text-anchor="middle">${seconds === 0 ? '0' : `${seconds} s`}</text>`),
  ]
  const lines = drawn.map((lane) => {
    const points = thin(lane.sent, 400).map(point => `${x(point.x / 1000).toFixed(1)},${y(point.y / 1e6).toFixed(1)}`).join(' ')
    return `<polyline points="${points}" fill="none" stroke="${colours[lane.mode]}" stroke-width="2"/>`
  })
  const last = (['stock', 'me2'] as const).flatMap((mode) => {
    const end = drawn.find(lane => lane.mode === mode)?.sent.at(-1)
    return end ? [`<text x="${x(end.x / 1000) + 8}" y="${y(end.y / 1e6) + 4}" fill="${colours[mode]}" font-weight="600">${names[mode]} ${(end.y / 1e6).toFixed(1)} MB</text>`] : []
  })
  return `<svg viewBox="0 0 ${chart.width} ${chart.height}" role="img">${[...grid, ...lines, ...last].join('')}</svg>`
}

function figure(spread: Spread | null, unit: 'bytes' | 'ms'): string {
  if (!spread)
    return '–'
  const text = (value: number): string => unit === 'bytes' ? (value / 1e6).toFixed(1) : (value / 1000).toFixed(2)
  return spread.count === 1 ? text(spread.median) : `${text(spread.median)} (${text(spread.min)} – ${text(spread.max)})`
}

function comparison(runs: readonly Run[], words: Words): string {
  const rows = raceTable(runs).map(({ measure, unit, stock, me2, ratio, paper }) =>
    [`${words.measures[measure]}, ${unit === 'bytes' ? 'MB' : 's'}`, figure(stock, unit), figure(me2, unit), ratio === null ? '–' : formatRatio(ratio), paper === null ? words.notGiven : formatRatio(paper)])
  return table(['', 'Stock', 'ME2', 'ME2 ÷ stock', words.paper], rows)
}

/** Only what both modes have measured; a measure that is more is said to be more. */
function verdict(runs: readonly Run[], words: Words): string {
  const parts = raceTable(runs).flatMap(({ measure, ratio }) => {
    const said = words.said[measure]
    if (ratio === null || !said)
      return []
    const percent = Math.round(Math.abs(1 - ratio) * 100)
    return [said.replace('{percent}', String(percent)).replace('{more}', ratio <= 1 ? words.less : words.more)]
  })
  return parts.length === 0 ? '' : `<p class="verdict">${escape(words.verdict.replace('{parts}', parts.join(words.and)))}</p>`
}

function roundsTable(run: FinishedRun, words: Words): string {
  const rows = run.result.rounds.map((round, index) =>
    [`${index + 1}${round.final ? ` ${words.final}` : ''}`, ...[round.pages, round.leftOut, round.constant, round.encoded, round.raw].map(formatCount), (round.linkBytes / 1e6).toFixed(1), (round.ms / 1000).toFixed(2)])
  return `<h3>${escape(`${names[run.settings.mode]}, ${run.from.name} → ${run.to.name}, ${run.startedAt}`)}</h3>
<p>${escape(run.result.summary)}</p>${table(words.rounds, rows)}`
}

const style = `body{font:14px/20px system-ui,sans-serif;color:#12171d;max-width:960px;margin:32px auto;padding:0 20px;font-variant-numeric:tabular-nums}
h1{font-size:22px;line-height:28px;margin:0}h2{font-size:16px;margin:28px 0 6px}h3{font-size:14px;margin:20px 0 2px}
.verdict{font-size:20px;line-height:28px}.note{color:#606b77}.mark{background:#fcf0cf;color:#8a5f00;padding:2px 8px;border-radius:3px}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:4px 8px;border-bottom:1px solid #dce1e5}th:first-child,td:first-child{text-align:left}
th{font-weight:500;color:#606b77}svg{width:100%;height:auto;font-size:11px;fill:#606b77}`

/** The whole document. Never holds a guest's contents: runs have none. */
export function reportHtml(given: readonly ReportRun[], language: 'en' | 'zh'): string {
  const words = reportWords[language]
  const runs = given.map(({ run }) => run)
  const first = runs[0]!
  const finished = runs.filter(isFinished)
  const marks = [first.lab === 'boxed' ? words.emulated : '', given.some(({ isRecording }) => isRecording) ? words.recording : ''].filter(mark => mark !== '')
  const hosts = [first.from, first.to].map(host => [host.name, host.xen, host.kernel, host.cpuModel, host.agent])
  const checks = fairness(runs).map(({ code, same, values }) => [same ? words.same : words.different, words.fairness[code], values.join('; ')])
  const lost = finished.map(({ id, result }) => [id, result.verify ? `${formatCount(result.verify.compared)} / ${result.verify.differing}` : '–', result.guestBad === null ? '–' : String(result.guestBad)])
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(`${words.title}: ${first.guest.name}`)}</title><style>${style}</style></head><body>
<h1>${escape(`${words.title}: ${first.guest.name}`)}</h1>
<p>${escape(`${(first.guest.memoryBytes / 1e6).toFixed(0)} MB ${first.guest.kind.toUpperCase()} · ${first.from.name} → ${first.to.name} · ${first.settings.rateMbit === null ? words.noCap : `${first.settings.rateMbit} Mbit/s`} · ${first.startedAt}`)}</p>
${marks.map(mark => `<p><span class="mark">${escape(mark)}</span></p>`).join('')}
${verdict(runs, words)}
<h2>${escape(words.compared)}</h2>${comparison(runs, words)}
<p class="note">${escape(words.comparedNote)}</p>
<h2>${escape(words.sent)}</h2>${sentChart(given.map(laneFrom))}
<h2>${escape(words.kept)}</h2>${table(['', '', ''], checks)}
<h2>${escape(words.nothingLost)}</h2>${table([words.run, words.hashes, words.bad], lost)}
<h2>${escape(words.roundsTitle)}</h2>${finished.map(run => roundsTable(run, words)).join('')}
<h2>${escape(words.hosts)}</h2>${table([words.host, 'Xen', words.kernel, 'CPU', words.agent], hosts)}
</body></html>
`
}
