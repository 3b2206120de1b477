/** Shows a race while it runs: what was checked, where each run is, and what each came to. */
import type { DiskMessage, DiskStartMessage, DiskTrackingMessage, ProgressMessage } from '../../shared/agent/messages.ts'
import type { FinishedRun } from '../../shared/model/run.ts'
import type { MigrationPhase, RunEvent } from '../../shared/model/runEvent.ts'
import type { RaceEvent } from '../services/migration/race.ts'
import type { Terminal } from './terminal.ts'
import { runName } from '../../shared/model/encoding.ts'
import { formatBytes, formatCap, formatCount, formatMs, formatRate, sentences } from '../../shared/model/format.ts'
import { cpuTotalMs } from '../../shared/model/raceTable.ts'
import { untraced } from './raceReport.ts'

/** So that figures stand below each other for most encoders. */
const nameWidth = 8

const phaseNames: Record<MigrationPhase, string> = {
  prepare: 'preparing',
  connect: 'connecting, exploring',
  disk: 'copying the disk',
  precopy: 'pre-copy',
  final: 'guest paused, final round',
  handshake: 'handing over',
  verify: 'verifying',
  settle: 'asking both hosts',
  watch: 'listening to the guest',
}

/** The rate is taken over at least this long, so that it can be read. */
const rateWindowNs = 1e9

/** Bytes a second on the link, from the newest messages. */
class RateMeter {
  private older: ProgressMessage | null = null
  private rate = 0

  /** Returns bytes a second. */
  add(message: ProgressMessage): number {
    this.older ??= message
    const elapsedNs = message.ns - this.older.ns
    if (elapsedNs >= rateWindowNs) {
      this.rate = (message.linkBytes - this.older.linkBytes) / (elapsedNs / 1e9)
      this.older = message
    }
    return this.rate
  }
}

function progressDetail({ round, linkBytes, leftOut, constant, encoded, raw, delta, reference }: ProgressMessage, rate: number): string {
  const fates = { 'left out': leftOut, constant, 'seen before': reference, 'differences': delta, encoded, raw }
  const pages = Object.entries(fates).filter(([, count]) => count > 0).map(([fate, count]) => `${formatCount(count)} ${fate}`)
  return [`round ${round}`, `${formatBytes(linkBytes)} sent`, formatRate(rate), `pages: ${pages.join(', ') || '0'}`].join(' · ')
}

function diskDetail({ pass, done, planned, linkBytes, constant, encoded, raw, delta, reference }: DiskMessage): string {
  const fates = { constant, 'seen before': reference, 'differences': delta, encoded, raw }
  const blocks = Object.entries(fates).filter(([, count]) => count > 0).map(([fate, count]) => `${formatCount(count)} ${fate}`)
  return [`pass ${pass}`, `${formatCount(done)} of ${formatCount(planned)} blocks`, `${formatBytes(linkBytes)} sent`, `blocks: ${blocks.join(', ') || '0'}`].join(' · ')
}

function diskFigures(disk: FinishedRun['result']['disk']): string[] {
  if (!disk)
    return []
  const verified = disk.verify ? [`${formatCount(disk.verify.differing)} of ${formatCount(disk.verify.compared)} blocks differ`] : []
  return [`disk: ${formatBytes(disk.linkBytes)} sent of ${formatBytes(disk.bytes)}`, ...verified]
}

function runLine({ from, to, settings, result }: FinishedRun): string {
  const direction = `${runName(settings).padEnd(nameWidth)} ${from.name} → ${to.name}`
  if (result.outcome !== 'migrated')
    return `${direction}  ${result.outcome}: ${result.summary}`
  const figures = [
    `${formatBytes(result.linkBytes)} sent`,
    ...(result.totalMs === null ? [] : [`in ${formatMs(result.totalMs)}`]),
    ...(cpuTotalMs(result) === null ? [] : [`CPU ${formatMs(cpuTotalMs(result)!)}`]),
    ...(result.downtimeMs === null ? [] : [`paused ${formatMs(result.downtimeMs)}`]),
    ...(result.verify === null ? [] : [`${formatCount(result.verify.differing)} of ${formatCount(result.verify.compared)} pages differ`]),
    ...diskFigures(result.disk),
    ...(result.guestBad === null ? [] : [`guest's own check: ${formatCount(result.guestBad)} bad`]),
  ]
  return `${direction}  ${figures.join(', ')}`
}

function titleOf({ run, index, runs }: Extract<RaceEvent, { kind: 'runStarted' }>): string {
  const cap = run.race?.kind === 'sweep' ? [formatCap(run.settings.rateMbit)] : []
  return `${[`Run ${index + 1} of ${runs}`, runName(run.settings), ...cap, `${run.from.name} → ${run.to.name}`].join(', ')}:`
}

export class RaceProgress {
  private readonly terminal: Terminal
  private title = ''
  private phase = ''
  private meter = new RateMeter()

  constructor(terminal: Terminal) {
    this.terminal = terminal
  }

  show(event: RaceEvent): void {
    switch (event.kind) {
      case 'precheck':
        this.showPrecheck(event)
        break
      case 'settling':
        this.terminal.status(`The guest runs undisturbed for ${formatMs(event.ms)}.`)
        break
      case 'runStarted':
        this.title = titleOf(event)
        this.meter = new RateMeter()
        break
      case 'run':
        this.showRun(event.event)
        break
      case 'runEnded':
        this.showEnd(event.run)
        break
    }
  }

  private showPrecheck({ from, to, checks }: Extract<RaceEvent, { kind: 'precheck' }>): void {
    this.terminal.line(`Pre-check ${from} → ${to}: ${checks.filter(check => check.status === 'ok').length} of ${checks.length} in order.`)
    for (const check of checks.filter(({ status }) => status !== 'ok'))
      this.terminal.line(`  ${check.status}: ${sentences(check.message, check.action)}`)
  }

  /** Before it happens: how long the guest will be paused depends on it. */
  private showUntraced({ notTraced }: DiskTrackingMessage | DiskStartMessage): void {
    if (notTraced !== null)
      this.terminal.line(`  ${untraced(notTraced)}`)
  }

  private showRun(event: RunEvent): void {
    if ('phase' in event)
      this.phase = phaseNames[event.phase]
    else if ('note' in event)
      this.terminal.line(`  ${event.note}`)
    const message = 'message' in event ? event.message : null
    if (message?.t === 'diskStart' || message?.t === 'diskTracking')
      this.showUntraced(message)
    else if (message?.t === 'progress')
      this.terminal.status(`${this.title} ${this.phase}`, progressDetail(message, this.meter.add(message)))
    else if (message?.t === 'disk' && this.phase === phaseNames.disk)
      this.terminal.status(`${this.title} ${this.phase}`, diskDetail(message))
    else if ('phase' in event)
      this.terminal.status(`${this.title} ${this.phase}`)
  }

  private showEnd(run: FinishedRun): void {
    this.terminal.line(runLine(run))
    const { problem, leftovers } = run.result
    if (problem)
      this.terminal.line(`  ${sentences(problem.message, problem.action)}`)
    for (const leftover of leftovers)
      this.terminal.line(`  Left over: ${leftover}`)
  }
}
