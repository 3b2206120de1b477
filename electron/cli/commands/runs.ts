import type { Run } from '../../../shared/model/run.ts'
import type { RunListing } from '../../services/runs/runStore.ts'
import type { Command, Output } from '../command.ts'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { runName } from '../../../shared/model/encoding.ts'
import { formatBytes, formatCap, formatCount, formatMs, sentences } from '../../../shared/model/format.ts'
import { cpuTotalMs } from '../../../shared/model/raceTable.ts'
import { readRunFile } from '../../services/runs/runFile.ts'
import { encodingLines } from '../raceReport.ts'
import { formatTable } from '../table.ts'

function summary({ id, startedAt, guest, settings, from, to, race, result }: Run): Record<string, unknown> {
  return {
    id, startedAt, guest: guest.name, mode: settings.mode, encoder: settings.encoder, level: settings.level, cacheMiB: settings.cacheMiB, rateMbit: settings.rateMbit, from: from.name, to: to.name, race: race?.id ?? null, kind: race?.kind ?? null,
    outcome: result?.outcome ?? 'unfinished', linkBytes: result?.linkBytes ?? null, totalMs: result?.totalMs ?? null,
  }
}

function listingRow(listing: RunListing): string[] {
  if ('problem' in listing)
    return [listing.id, listing.problem.message]
  const { guest, settings, from, to, result } = listing.run
  const cost = result?.outcome === 'migrated' ? [formatBytes(result.linkBytes), result.totalMs === null ? '' : formatMs(result.totalMs)] : []
  return [listing.id, guest.name, runName(settings), `${from.name} → ${to.name}`, result?.outcome ?? 'unfinished', ...cost]
}

const list: Command = {
  path: ['runs', 'list'],
  operands: [],
  summary: 'Lists the saved runs, newest first.',
  options: [],
  run: async ({ services }) => {
    const listings = await services.runs.list()
    const json = { runs: listings.map(listing => 'run' in listing ? summary(listing.run) : { id: listing.id, error: listing.problem }) }
    const table = formatTable(listings.map(listingRow), ['left', 'left', 'left', 'left', 'left', 'right', 'right'])
    return { json, text: listings.length === 0 ? 'There are no runs yet.' : table }
  },
}

function describe(run: Run, events: number): Output {
  const { id, startedAt, guest, from, to, settings, result } = run
  const rows = [
    ['run', id],
    ['started', startedAt],
    ['guest', `${guest.name}, ${guest.kind}, ${formatBytes(guest.memoryBytes)}`],
    ['from, to', `${from.name} (Xen ${from.xen}) → ${to.name} (Xen ${to.xen})`],
    ['mode', `${runName(settings)}, link ${settings.link}, ${formatCap(settings.rateMbit)}`],
    ['outcome', result ? `${result.outcome}: ${result.summary}` : 'unfinished: it is running, or the console ended before it did'],
    ...(result?.problem ? [['problem', sentences(result.problem.message, result.problem.action)]] : []),
    ...(result ? [['sent', formatBytes(result.linkBytes)]] : []),
    ...Object.entries({ 'total time': result?.totalMs, 'CPU time': result && cpuTotalMs(result), 'paused': result?.downtimeMs, 'heartbeat gap': result?.heartbeatGapMs })
      .flatMap(([name, ms]) => ms === null || ms === undefined ? [] : [[name, formatMs(ms)]]),
    ['events', formatCount(events)],
  ]
  const rounds = (result?.rounds ?? []).map((round, index) => [
    `round ${index}${round.final ? ' (paused)' : ''}`, formatCount(round.pages), formatCount(round.leftOut), formatCount(round.constant),
    formatCount(round.reference), formatCount(round.delta), formatCount(round.encoded), formatCount(round.raw), formatBytes(round.linkBytes), formatMs(round.ms),
  ])
  const encoders = result?.encoding ? ['', ...encodingLines(result.encoding)] : []
  const roundTable = rounds.length === 0 ? [] : ['', formatTable([['', 'pages', 'left out', 'constant', 'seen before', 'differences', 'encoded', 'raw', 'sent', 'time'], ...rounds])]
  return { json: { ...run, events }, text: [formatTable(rows, ['left', 'left']), ...encoders, ...roundTable].join('\n') }
}

const show: Command = {
  path: ['runs', 'show'],
  operands: ['ID|FILE'],
  summary: 'Shows one saved run, or one in a .me2run file.',
  options: [],
  run: async ({ services }, { operands: [which] }) => {
    if (which!.endsWith('.me2run') && existsSync(which!)) {
      const { run, events } = await readRunFile(which!)
      return describe(run, events.length)
    }
    const run = await services.runs.read(which!)
    let events = 0
    for await (const _ of services.runs.events(which!))
      events++
    return describe(run, events)
  },
}

const exportRun: Command = {
  path: ['runs', 'export'],
  operands: ['ID', 'FILE'],
  summary: 'Writes one saved run to a .me2run file.',
  options: [],
  run: async ({ services }, { operands: [id, file] }) => {
    await services.runs.export(id!, file!)
    return { json: { id, file: resolve(file!) }, text: `Written to ${file}.` }
  },
}

export const runsCommands = [list, show, exportRun]
