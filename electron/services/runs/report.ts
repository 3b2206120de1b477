/**
 * A report that stands by itself: one HTML file without script, without a request, with its charts as SVG. Everything that
 * came from hosts, guests and users is escaped, and its own policy forbids the rest. A section a race or a sweep; a run that is in no
 * race has one of its own.
 */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { HostFacts, Run, RunResult, RunSettings } from '../../../shared/model/run.ts'
import type { Spread } from '../../../shared/model/statistics.ts'
import type { SweepCell } from '../../../shared/model/sweep.ts'
import type { ReportWords } from './reportWords.ts'
import { encodingName, encodingOf } from '../../../shared/model/encoding.ts'
import { fairness } from '../../../shared/model/fairness.ts'
import { formatCount, formatRatio } from '../../../shared/model/format.ts'
import { groupByRace } from '../../../shared/model/raceGroups.ts'
import { raceTable } from '../../../shared/model/raceTable.ts'
import { isFinished } from '../../../shared/model/run.ts'
import { isSweep, sweepTable } from '../../../shared/model/sweep.ts'
import { sentChart } from './reportChart.ts'
import { reportWords } from './reportWords.ts'

export interface ReportRun {
  run: Run
  isRecording: boolean
  lane: LaneState
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => entities[character]!)
}

/** Text in, markup out: every cell is escaped here. */
function table(head: readonly string[], rows: readonly (readonly string[])[], kind: 'figures' | 'prose' = 'figures'): string {
  const row = (cells: readonly string[], tag: 'th' | 'td'): string => `<tr>${cells.map(cell => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`
  const header = head.some(cell => cell !== '') ? `<thead>${row(head, 'th')}</thead>` : ''
  return `<table class="${kind}">${header}<tbody>${rows.map(cells => row(cells, 'td')).join('')}</tbody></table>`
}

function paragraph(text: string, kind = ''): string {
  return `<p${kind === '' ? '' : ` class="${kind}"`}>${escape(text)}</p>`
}

/** `{name}` by its value. */
function filled(sentence: string, values: Readonly<Record<string, string>>): string {
  return sentence.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

function heading(level: 2 | 3, text: string): string {
  return `<h${level}>${escape(text)}</h${level}>`
}

/** UTC, so that two readers read the same. */
function dateText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2)
}

function spreadText(spread: Spread | null, unit: 'bytes' | 'ms'): string {
  if (!spread)
    return '–'
  const text = unit === 'bytes' ? megabytes : seconds
  return spread.count === 1 ? text(spread.median) : `${text(spread.median)} (${text(spread.min)} – ${text(spread.max)})`
}

/** `Stock`, `ME2 rle`: never only ME2, because its encoders differ. */
function nameOf(settings: RunSettings, words: ReportWords): string {
  const encoding = encodingOf(settings)
  return encoding === null ? words.modes.stock : `${words.modes.me2} ${encodingName(encoding)}`
}

function me2Of(runs: readonly Run[], words: ReportWords): string {
  const run = runs.find(({ settings }) => settings.mode === 'me2')
  return run ? nameOf(run.settings, words) : words.modes.me2
}

function comparison(runs: readonly Run[], words: ReportWords): string {
  const rows = raceTable(runs).filter(({ measure, stock, me2 }) => measure !== 'cpu' || stock !== null || me2 !== null).map(({ measure, unit, stock, me2, ratio, paper }) => [
    `${words.measures[measure]}, ${unit === 'bytes' ? 'MB' : 's'}`, spreadText(stock, unit), spreadText(me2, unit),
    ratio === null ? '–' : formatRatio(ratio), paper === null ? words.notGiven : formatRatio(paper),
  ])
  return heading(2, words.compared) + table(['', words.modes.stock, me2Of(runs, words), `${words.modes.me2} ÷ ${words.modes.stock}`, words.paper], rows) + paragraph(words.comparedNote, 'note')
}

/** Only what both modes have measured; a measure that is more is said to be more. */
function verdict(runs: readonly Run[], words: ReportWords): string {
  const parts = raceTable(runs).flatMap(({ measure, ratio }) => {
    const said = words.said[measure]
    if (ratio === null || said === undefined)
      return []
    const percent = Math.round(Math.abs(1 - ratio) * 100)
    return [filled(said, { percent: String(percent), more: ratio <= 1 ? words.less : words.more })]
  })
  return parts.length === 0 ? '' : paragraph(filled(words.verdict, { me2: me2Of(runs, words), parts: parts.join(words.and) }), 'verdict')
}

function fairnessList(runs: readonly Run[], words: ReportWords): string {
  if (runs.length < 2)
    return ''
  const items = fairness(runs).toSorted((a, b) => Number(a.same) - Number(b.same))
  const title = filled(words.fair, { same: String(items.filter(({ same }) => same).length), of: String(items.length) })
  return heading(2, title) + table(['', '', ''], items.map(({ code, same, values }) => [same ? words.same : words.different, words.fairness[code], values.join(' | ')]), 'prose')
}

function way({ settings, from, to, startedAt }: Run, words: ReportWords): string {
  return `${nameOf(settings, words)}, ${from.name} → ${to.name}, ${dateText(startedAt)}`
}

function losses(runs: readonly Run[], words: ReportWords): string {
  const rows = runs.filter(isFinished).map(run => [
    way(run, words), words.outcomes[run.result.outcome],
    run.result.verify ? `${formatCount(run.result.verify.compared)} / ${formatCount(run.result.verify.differing)}` : '–',
    run.result.guestBad === null ? '–' : formatCount(run.result.guestBad),
  ])
  return rows.length === 0 ? '' : heading(2, words.nothingLost) + table([words.run, words.outcome, words.hashes, words.bad], rows)
}

function rounds({ rounds }: RunResult, words: ReportWords): string {
  const rows = rounds.map((round, index) => [
    `${index + 1}${round.final ? ` ${words.final}` : ''}`,
    ...[round.pages, round.leftOut, round.constant, round.reference, round.delta, round.encoded, round.raw].map(formatCount), megabytes(round.linkBytes), seconds(round.ms),
  ])
  return rows.length === 0 ? '' : table(words.rounds, rows)
}

function encoders({ encoding }: RunResult, words: ReportWords): string {
  if (!encoding)
    return ''
  const rows = encoding.by.map(({ encoder, level, pages, bytes, cpuMs }) => [level === 0 ? encoder : `${encoder} ${level}`, formatCount(pages), megabytes(bytes), seconds(cpuMs)])
  const cache = encoding.cache && paragraph(filled(words.cache, { hits: formatCount(encoding.cache.hits), lookups: formatCount(encoding.cache.lookups) }))
  return table(words.encoders, rows) + (cache ?? '')
}

function runDetails(runs: readonly Run[], words: ReportWords): string {
  const details = runs.map(run => heading(3, way(run, words)) + (run.result ? paragraph(run.result.summary) + rounds(run.result, words) + encoders(run.result, words) : paragraph(words.unfinished)))
  return heading(2, words.roundsTitle) + details.join('')
}

function hostTable(runs: readonly Run[], words: ReportWords): string {
  const row = ({ name, xen, kernel, cpuModel, agent }: HostFacts): string[] => [name, xen, kernel, cpuModel, agent]
  const rows = new Map(runs.flatMap(({ from, to }) => [from, to]).map(host => [JSON.stringify(row(host)), row(host)]))
  return heading(2, words.hosts) + table([words.host, 'Xen', words.kernel, 'CPU', words.agent], [...rows.values()], 'prose')
}

function capText(rateMbit: number | null, words: ReportWords): string {
  return rateMbit === null ? words.noCap : `${rateMbit} Mbit/s`
}

function sweep(runs: readonly Run[], words: ReportWords): string {
  const { methods, rows, crossovers } = sweepTable(runs)
  const name = (method: string): string => method === 'stock' ? words.modes.stock : `${words.modes.me2} ${method}`
  const figures = [({ totalMs }) => seconds(totalMs), ({ linkBytes }) => megabytes(linkBytes), ({ timeRatio }) => timeRatio === null ? '–' : formatRatio(timeRatio)] satisfies ((cell: SweepCell) => string)[]
  const body = rows.flatMap(({ rateMbit, cells, fastest }) => figures.map((figure, index) => [
    index === 0 ? capText(rateMbit, words) : '', words.sweepLines[index]!,
    ...methods.map(method => cells[method] ? figure(cells[method]) : index === 0 ? words.notMeasured : ''),
    index === 0 && fastest !== null ? name(fastest) : '',
  ]))
  const changes = crossovers.map(({ fromMbit, toMbit, from, to }) =>
    filled(words.crossover, { low: capText(fromMbit, words), high: capText(toMbit, words), from: name(from), to: name(to) }))
  const told = rows.filter(({ fastest }) => fastest !== null).length > 1 && changes.length === 0 ? [words.noCrossover] : changes
  return heading(2, words.sweep) + table([words.sweepHead.link, '', ...methods.map(name), words.sweepHead.fastest], body) + told.map(change => paragraph(change)).join('') + paragraph(words.sweepNote, 'note')
}

function context({ guest, race, from, to, settings, startedAt }: Run, words: ReportWords): string {
  const cap = race?.kind === 'sweep' ? [] : [capText(settings.rateMbit, words)]
  const workload = typeof guest.workload?.sentence === 'string' ? [guest.workload.sentence] : []
  return [`${Math.round(guest.memoryBytes / 1e6)} MB ${guest.kind.toUpperCase()}`, `${from.name} ⇄ ${to.name}`, ...cap, dateText(startedAt), ...workload].join(' · ')
}

function sent(given: readonly ReportRun[], words: ReportWords): string {
  const chart = sentChart(given.map(({ lane }) => lane), words.sent, settings => nameOf(settings, words))
  return chart === '' ? '' : heading(2, words.sent) + chart
}

function section(given: readonly ReportRun[], words: ReportWords): string {
  const runs = given.map(({ run }) => run)
  const [first] = runs
  const marks = [...(first!.lab === 'boxed' ? [words.emulated] : []), ...(given.some(({ isRecording }) => isRecording) ? [words.recording] : [])]
  return [
    `<section><h1>${escape(`${words.title}: ${first!.guest.name}`)}</h1>`,
    paragraph(context(first!, words)),
    ...marks.map(mark => `<p><span class="mark">${escape(mark)}</span></p>`),
    ...(isSweep(runs) ? [sweep(runs, words)] : [verdict(runs, words), comparison(runs, words), sent(given, words), fairnessList(runs, words)]),
    losses(runs, words),
    runDetails(runs, words),
    hostTable(runs, words),
    '</section>',
  ].join('\n')
}

const style = `body{font:14px/20px system-ui,sans-serif;color:#12171d;background:#fff;max-width:960px;margin:32px auto;padding:0 20px;font-variant-numeric:tabular-nums}
section+section{margin-top:56px;border-top:1px solid #b4bdc6;padding-top:24px}
h1{font-size:22px;line-height:28px;margin:0}h2{font-size:16px;margin:28px 0 6px}h3{font-size:14px;margin:20px 0 2px}p{margin:6px 0}
.verdict{font-size:20px;line-height:28px;margin:14px 0}.note,footer{color:#606b77}.mark{background:#fcf0cf;color:#8a5f00;padding:2px 8px;border-radius:3px}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:4px 8px;border-bottom:1px solid #dce1e5;overflow-wrap:anywhere}
th:first-child,td:first-child,.prose th,.prose td{text-align:left}th{font-weight:500;color:#606b77}
svg{width:100%;height:auto;font-size:12px;fill:#606b77}footer{margin-top:40px;border-top:1px solid #dce1e5;padding-top:8px}
@media print{body{margin:0;max-width:none}h2,h3{break-after:avoid}tr,svg{break-inside:avoid}}`

/** The whole document, of at least one run. It never holds a guest's contents: runs have none. */
export function reportHtml(given: readonly ReportRun[], language: 'en' | 'zh'): string {
  const words = reportWords[language]
  const guests = [...new Set(given.map(({ run }) => run.guest.name))].join(', ')
  const grouped = groupByRace(given.map(each => ({ ...each, id: each.run.id, source: each.isRecording ? 'recording' as const : 'own' as const })))
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escape(`${words.title}: ${guests}`)}</title><style>${style}</style></head><body>
${grouped.map(({ entries }) => section(entries, words)).join('\n')}
<footer>${escape(words.foot)}</footer>
</body></html>
`
}
