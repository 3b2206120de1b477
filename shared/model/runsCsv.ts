/**
 * Runs as CSV in long format: one figure a row, so that any statistics program takes it as it is. RFC 4180: comma, CRLF,
 * quotes doubled. UTF-8 without a byte order mark. Columns:
 *
 *   run, race        ids; `race` is empty for a single migration
 *   lab              boxed (emulated CPU: only ratios mean something) or own
 *   guest, mode      mode is stock or me2
 *   encoder          of me2; empty for stock
 *   level            of zstd; empty elsewhere
 *   cacheMiB         pages kept at both ends; 0: none
 *   rateMbit         cap on the link, Mbit/s; empty: none
 *   from, to         hosts
 *   started          ISO 8601, UTC
 *   round            empty for the whole run, otherwise from 1; `final` is 1 for the one with the guest paused
 *   measure          e.g. linkBytes, total, downtime, pages; what an encoder took is e.g. pages.zstd3
 *   unit             bytes, ms, Mbit/s, pages, count, or empty for words
 *   value            a number with a point, or a word; rows without a value are left out
 *
 * Text that a spreadsheet would take for a formula gets an apostrophe in front: names come from hosts and guests.
 */
import type { Round, Run, RunResult } from './run.ts'

const columns = ['run', 'race', 'lab', 'guest', 'mode', 'encoder', 'level', 'cacheMiB', 'rateMbit', 'from', 'to', 'started', 'round', 'measure', 'unit', 'value'] as const

type Value = string | number | null
type Figure = [measure: string, unit: 'bytes' | 'ms' | 'Mbit/s' | 'pages' | 'count' | '', value: Value]

function cell(value: Value): string {
  const text = String(value ?? '')
  const safe = typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function settingFigures({ guest, settings }: Run): Figure[] {
  return [
    ['guestMemory', 'bytes', guest.memoryBytes],
    ['rateCap', 'Mbit/s', settings.rateMbit],
    ['link', '', settings.link],
    ['settle', 'ms', settings.settleMs],
  ]
}

/** Processor time by host and by who spent it. */
function cpuFigures({ cpuMs }: RunResult): Figure[] {
  return [
    ['cpuSourceAgent', 'ms', cpuMs?.source?.agent ?? null],
    ['cpuSourceXl', 'ms', cpuMs?.source?.xl ?? null],
    ['cpuTargetAgent', 'ms', cpuMs?.target?.agent ?? null],
    ['cpuTargetXl', 'ms', cpuMs?.target?.xl ?? null],
  ]
}

function encodingFigures({ encoding }: RunResult): Figure[] {
  const by = (encoding?.by ?? []).flatMap(({ encoder, level, pages, bytes, cpuMs }): Figure[] => {
    const name = level === 0 ? encoder : `${encoder}${level}`
    return [[`pages.${name}`, 'pages', pages], [`bytes.${name}`, 'bytes', bytes], [`cpu.${name}`, 'ms', cpuMs]]
  })
  return [...by, ['cacheLookups', 'pages', encoding?.cache?.lookups ?? null], ['cacheHits', 'pages', encoding?.cache?.hits ?? null]]
}

function resultFigures({ result }: Run): Figure[] {
  if (!result)
    return []
  return [
    ['outcome', '', result.outcome],
    ['linkBytes', 'bytes', result.linkBytes],
    ['streamBytes', 'bytes', result.streamBytes],
    ['total', 'ms', result.totalMs],
    ['downtime', 'ms', result.downtimeMs],
    ['downtimeTransfer', 'ms', result.downtimeTransferMs],
    ['heartbeatGap', 'ms', result.heartbeatGapMs],
    ['heartbeatGapTarget', 'ms', result.heartbeatGapTargetMs],
    ...cpuFigures(result),
    ...encodingFigures(result),
    ['heartbeatsLost', 'count', result.heartbeatsLost],
    ['exploring', 'ms', result.explored?.ms ?? null],
    ['compared', 'pages', result.verify?.compared ?? null],
    ['differing', 'pages', result.verify?.differing ?? null],
    ['guestBad', 'pages', result.guestBad],
    ['guestCheckedAfter', 'pages', result.guestCheckedAfter],
  ]
}

function roundFigures({ pages, leftOut, constant, encoded, raw, delta, reference, linkBytes, streamBytes, ms, final }: Round): Figure[] {
  return [
    ['pages', 'pages', pages],
    ['leftOut', 'pages', leftOut],
    ['constant', 'pages', constant],
    ['encoded', 'pages', encoded],
    ['raw', 'pages', raw],
    ['delta', 'pages', delta],
    ['reference', 'pages', reference],
    ['linkBytes', 'bytes', linkBytes],
    ['streamBytes', 'bytes', streamBytes],
    ['length', 'ms', ms],
    ['final', 'count', Number(final)],
  ]
}

/** One text, the header included. */
export function runsCsv(runs: readonly Run[]): string {
  const rows: Value[][] = [[...columns]]
  for (const run of runs) {
    const which = [run.id, run.race?.id ?? '', run.lab, run.guest.name, run.settings.mode, run.settings.encoder, run.settings.level, run.settings.cacheMiB, run.settings.rateMbit, run.from.name, run.to.name, run.startedAt]
    const add = (round: Value, figures: readonly Figure[]): void => {
      for (const figure of figures) {
        if (figure[2] !== null)
          rows.push([...which, round, ...figure])
      }
    }
    add('', [...settingFigures(run), ...resultFigures(run)])
    for (const [index, round] of (run.result?.rounds ?? []).entries())
      add(index + 1, roundFigures(round))
  }
  return rows.map(row => `${row.map(cell).join(',')}\r\n`).join('')
}
