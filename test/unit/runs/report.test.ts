import type { ReportRun } from '../../../electron/services/runs/report.ts'
import type { FinishedRun, Run } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { reportHtml } from '../../../electron/services/runs/report.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'
import { finishedRun, hostFacts } from '../model/runs.ts'

const stock = savedRun('web-stock')
const me2 = savedRun('web-me2')

function reported({ run, events }: ReturnType<typeof savedRun>, isRecording = false): ReportRun {
  return { run, isRecording, lane: laneOfSaved(run, events) }
}
function reportedRun(run: Run): ReportRun {
  return { run, isRecording: false, lane: laneOfSaved(run, []) }
}
/** Words without markup. */
function textOf(html: string): string {
  return html.replace(/<style>.*<\/style>/s, '').replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
}

const pair = [reported(stock), reported(me2)]

describe('a report', () => {
  it('says what the race came to, with the paper\'s averages beside it', () => {
    const text = textOf(reportHtml(pair, 'en'))
    expect(text).toContain('Against stock, ME2 rle sent 70 % less data, took 61 % less time, paused the guest for 55 % less.')
    expect(text).toContain('Sent, MB 292.4 88.0 0.30 0.50')
    expect(text).toContain('Xen')
    expect(text).toContain('6.1.0-56-amd64')
    expect(text).toContain('2026-11-23')
  })

  it('says it as plainly when ME2 is worse', () => {
    const worse: FinishedRun = { ...me2.run, result: { ...me2.run.result, downtimeMs: stock.run.result.downtimeMs! * 1.25 } }
    expect(textOf(reportHtml([reported(stock), reportedRun(worse)], 'en'))).toContain('paused the guest for 25 % more')
  })

  it('draws both runs as lines that end in their names', () => {
    const html = reportHtml(pair, 'en')
    expect(html.match(/<polyline/g)).toHaveLength(2)
    expect(html).toContain('>Stock 292.4 MB</text>')
    expect(html).toContain('>ME2 rle 88.0 MB</text>')
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('marks what is emulated and what is a recording', () => {
    expect(reportHtml(pair, 'en')).not.toContain('A recording that came with the console')
    expect(reportHtml([reported(stock, true)], 'en')).toContain('A recording that came with the console')
    expect(reportHtml(pair, 'en')).toContain('the CPU is emulated')
    expect(reportHtml([reportedRun({ ...stock.run, lab: 'own' })], 'en')).not.toContain('the CPU is emulated')
  })

  it('claims nothing of a run without an end, and of what was not verified', () => {
    const text = textOf(reportHtml([reportedRun({ ...stock.run, result: null })], 'en'))
    expect(text).toContain('This run has no result')
    expect(text).not.toContain('Against stock')
    expect(textOf(reportHtml([reportedRun(finishedRun({ result: { verify: null, guestBad: null } }))], 'en'))).toContain('migrated – –')
  })

  it('never compares runs of different races', () => {
    const other = { ...me2.run, race: { id: 'another', index: 0, runs: 1, kind: 'race' as const } }
    const html = reportHtml([reported(stock), reportedRun(other)], 'en')
    expect(html.match(/<section>/g)).toHaveLength(2)
    expect(html).not.toContain('Against stock')
  })

  it('of a sweep has a table of rates and methods, and compares nothing else', () => {
    const swept = (of: FinishedRun, id: string, rateMbit: number | null, totalMs: number): ReportRun =>
      reportedRun({ ...of, id, race: { id: 'sweep', index: 0, runs: 4, kind: 'sweep' }, settings: { ...of.settings, rateMbit }, result: { ...of.result, totalMs } })
    const html = reportHtml([swept(stock.run, 'a', 20, 100_000), swept(me2.run, 'b', 20, 40_000), swept(me2.run, 'c', null, 3000), swept(stock.run, 'd', null, 2000)], 'en')
    const text = textOf(html)
    expect(html.match(/<section>/g)).toHaveLength(1)
    expect(text).toContain('20 Mbit/s total time, s 100.00 40.00 ME2 rle')
    expect(text).toContain('Between 20 Mbit/s and no cap the fastest changes from ME2 rle to Stock.')
    expect(text).not.toContain('Against stock')
    expect(html).not.toMatch(/NaN|undefined|<polyline/)
  })

  it('tells what encoded the pages', () => {
    const run: FinishedRun = { ...me2.run, result: { ...me2.run.result, encoding: { by: [{ encoder: 'zstd', level: 3, pages: 1200, bytes: 3_400_000, cpuMs: 2500 }], cache: { pages: 16, lookups: 40, hits: 30 } } } }
    const text = textOf(reportHtml([reportedRun(run)], 'en'))
    expect(text).toContain('zstd 3 1,200 3.4 2.50')
    expect(text).toContain('Of 40 pages that were sent again, the cache still had 30.')
  })

  it('puts what differed between the runs first', () => {
    const faster: FinishedRun = { ...me2.run, settings: { ...me2.run.settings, rateMbit: 100 } }
    const html = reportHtml([reported(stock), reportedRun(faster)], 'en')
    expect(html).toMatch(/<tbody><tr><td>different<\/td><td>link cap<\/td>/)
  })

  it('is in the language that was asked for', () => {
    const html = reportHtml(pair, 'zh')
    expect(html).toContain('<html lang="zh-CN">')
    expect(textOf(html)).toContain('与原生相比，ME2 rle 发送数据减少 70 %')
  })
})

describe('a report\'s safety', () => {
  const attack = '"><img src=x onerror=alert(1)><script>alert(2)</script>\''
  const hostile = finishedRun({
    run: {
      guest: { ...stock.run.guest, name: attack, workload: { profile: attack, sentence: attack } },
      from: { ...hostFacts(attack), kernel: attack, xen: attack },
    },
    result: { summary: attack },
  })

  it('escapes whatever hosts and guests are called', () => {
    const html = reportHtml([reportedRun(hostile), reported(stock)], 'en')
    expect(html).not.toMatch(/<img|<script/)
    expect(html).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;')
  })

  it('asks for nothing outside itself', () => {
    const html = reportHtml(pair, 'en')
    expect(html).toContain('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">')
    expect(html).not.toMatch(/https?:|src=|href=|url\(|@import| on\w+=/)
  })
})
