import { describe, expect, it } from 'vitest'
import { runsCsv } from '../../../shared/model/runsCsv.ts'
import { finishedRun, hostFacts } from './runs.ts'

/** RFC 4180, by its grammar and not by our writer. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]]
  const cells = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy
  for (const [, quoted, plain, end] of text.matchAll(cells)) {
    rows.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'))
    if (end === '\r\n')
      rows.push([])
  }
  expect(rows.pop()).toEqual([])
  return rows
}

function records(text: string): Record<string, string>[] {
  const [head, ...rows] = parse(text)
  return rows.map((row) => {
    expect(row).toHaveLength(head!.length)
    return Object.fromEntries(head!.map((column, index) => [column, row[index]!]))
  })
}

function find(text: string, measure: string, round = ''): Record<string, string> | undefined {
  return records(text).find(record => record.measure === measure && record.round === round)
}

describe('runs as CSV', () => {
  const csv = runsCsv([finishedRun()])

  it('are one figure a row, with its unit', () => {
    expect(find(csv, 'linkBytes')).toMatchObject({ unit: 'bytes', value: '280100000', guest: 'web', mode: 'stock', from: 'hosta', to: 'hostb', started: '2026-11-22T21:51:00.000Z' })
    expect(find(csv, 'downtime')).toMatchObject({ unit: 'ms', value: '900' })
    expect(find(csv, 'rateCap')).toMatchObject({ unit: 'Mbit/s', value: '20' })
    expect(find(csv, 'outcome')).toMatchObject({ unit: '', value: 'migrated' })
  })

  it('have a round\'s figures under its number', () => {
    expect(find(csv, 'linkBytes', '1')).toMatchObject({ unit: 'bytes', value: '270100000' })
    expect(find(csv, 'pages', '1')).toMatchObject({ unit: 'pages', value: '65536' })
    expect(find(csv, 'final', '1')).toMatchObject({ value: '0' })
  })

  it('name the encoder with its level and cache, what each took, and the processor time of each host', () => {
    const packed = runsCsv([finishedRun({
      settings: { mode: 'me2', encoder: 'zstd', level: 9, cacheMiB: 16 },
      result: {
        encoding: { by: [{ encoder: 'raw', level: 0, pages: 5, bytes: 20_480, cpuMs: 1 }, { encoder: 'zstd', level: 9, pages: 70, bytes: 9000, cpuMs: 80 }], cache: { pages: 4096, lookups: 8, hits: 6 } },
        cpuMs: { source: { agent: 90, xl: 10 }, target: null },
      },
    })])
    expect(find(packed, 'bytes.zstd9')).toMatchObject({ unit: 'bytes', value: '9000', encoder: 'zstd', level: '9', cacheMiB: '16', rateMbit: '20' })
    expect(find(packed, 'pages.raw')).toMatchObject({ unit: 'pages', value: '5' })
    expect(find(packed, 'cacheHits')).toMatchObject({ value: '6' })
    expect(find(packed, 'cpuSourceAgent')).toMatchObject({ unit: 'ms', value: '90' })
    expect(find(packed, 'cpuTargetAgent')).toBeUndefined()
  })

  it('leave out what is not known rather than write a zero', () => {
    const unknown = runsCsv([finishedRun({ result: { downtimeMs: null, verify: null, guestBad: null }, settings: { rateMbit: null } })])
    for (const measure of ['downtime', 'compared', 'differing', 'guestBad', 'rateCap'])
      expect(find(unknown, measure), measure).toBeUndefined()
    expect(runsCsv([{ ...finishedRun(), result: null }])).not.toContain('linkBytes')
  })

  it('survive commas, quotes and line ends in names', () => {
    const name = 'web, "the\r\nfirst"'
    expect(records(runsCsv([finishedRun({ run: { from: hostFacts(name) } })])).every(({ from }) => from === name)).toBe(true)
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1'])('do not let %j be a formula', (name) => {
    expect(find(runsCsv([finishedRun({ run: { from: hostFacts(name) } })]), 'total')?.from).toBe(`'${name}`)
  })

  it('end every line in CR LF', () => {
    expect(csv.endsWith('\r\n')).toBe(true)
    expect(csv.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })
})
