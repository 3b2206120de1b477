/**
 * A race: the same guest there and back, once in each mode and as often as asked, in the order of raceOrder.ts. Every run
 * is saved as it happens. A run that does not end as it should ends the race: the next one would not be comparable.
 */
import type { RaceLeg } from '../../../shared/model/raceOrder.ts'
import type { Encoder, FinishedRun, GuestFacts, Link, Mode, Run, RunProblem, RunSettings } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import type { RunStore } from '../runs/runStore.ts'
import type { HeartbeatSource } from './heartbeats.ts'
import type { HostHandle } from './hostHandle.ts'
import type { CancelAnswer, MigrationJob } from './migrate.ts'
import type { Check } from './precheck/checks.ts'
import type { Precheck } from './precheck/precheck.ts'
import type { MigrationTiming } from './timing.ts'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Me2Error } from '../../../shared/errors.ts'
import { raceOrder } from '../../../shared/model/raceOrder.ts'
import { runSchemaVersion } from '../../../shared/model/run.ts'
import { newRunId } from '../runs/runStore.ts'
import { startMigration } from './migrate.ts'
import { mayStart } from './precheck/checks.ts'
import { precheck } from './precheck/precheck.ts'
import { asProblem } from './problems.ts'

export interface RaceRequest {
  /** Default: a new one. Races with one id are shown as one (twins). */
  id?: string
  /** Where the guest is now, and where it goes first. */
  home: HostHandle
  away: HostHandle
  guest: string
  modes: readonly Mode[]
  repeats: number
  encoder: Encoder
  link: Link
  rateMbit: number | null
  verify: boolean
  scrub: boolean
  /** The guest runs undisturbed for this long before each run. */
  settleMs: number
  /** Pass over those errors of the pre-check that may be passed over. */
  force: boolean
  lab: Run['lab']
  /** Link addresses by host name, where they are known. */
  addresses: Readonly<Record<string, string>>
  workload: GuestFacts['workload']
  heartbeat: HeartbeatSource | null
  owner: string
  runs: RunStore
  /** Called in order; must not throw. */
  onEvent: (event: RaceEvent) => void
  timing: MigrationTiming
}

export type RaceEvent
  = | { kind: 'precheck', from: string, to: string, checks: Check[] }
    | { kind: 'settling', ms: number }
    | { kind: 'runStarted', run: Run, index: number, runs: number }
    | { kind: 'run', event: RunEvent, figures: RunFigures }
    | { kind: 'runEnded', run: FinishedRun }

/** What was found before the first run in one direction. */
export interface DirectionChecks {
  from: string
  to: string
  checks: Check[]
}

export interface RaceResult {
  id: string
  runs: FinishedRun[]
  prechecks: DirectionChecks[]
  /** Why it ended before its time. */
  problem: RunProblem | null
}

export interface RaceJob {
  /** Ends the race; a run under way is cancelled if it still can be, and otherwise goes on to its end. */
  cancel: () => CancelAnswer
  result: Promise<RaceResult>
}

interface Ready extends Precheck {
  guest: Omit<GuestFacts, 'workload'>
  linkAddress: string
}

class Race {
  private readonly request: RaceRequest
  private readonly id: string
  private readonly legs: RaceLeg[]
  private readonly stop = new AbortController()
  private readonly prechecks: DirectionChecks[] = []
  private migration: MigrationJob | null = null
  /** What the pre-check found, by direction. */
  private readonly ready = new Map<boolean, Ready>()

  constructor(request: RaceRequest) {
    this.request = request
    this.id = request.id ?? randomUUID()
    this.legs = raceOrder(request.modes, request.repeats)
  }

  cancel(): CancelAnswer {
    this.stop.abort()
    return this.migration?.cancel() ?? { accepted: true }
  }

  async run(): Promise<RaceResult> {
    const runs: FinishedRun[] = []
    let problem: RunProblem | null = null
    try {
      for (const [index, leg] of this.legs.entries()) {
        const run = await this.runLeg(leg, index)
        runs.push(run)
        problem = run.result.problem
        if (problem)
          break
      }
    }
    catch (error) {
      problem = asProblem(error)
    }
    return { id: this.id, runs, prechecks: this.prechecks, problem }
  }

  private hosts({ forward }: RaceLeg): { source: HostHandle, target: HostHandle } {
    const { home, away } = this.request
    return forward ? { source: home, target: away } : { source: away, target: home }
  }

  private throwIfStopped(): void {
    if (this.stop.signal.aborted)
      throw new Me2Error('cancelled', 'The race was cancelled.')
  }

  private async runLeg(leg: RaceLeg, index: number): Promise<FinishedRun> {
    this.throwIfStopped()
    const ready = this.ready.get(leg.forward) ?? await this.check(leg)
    this.ready.set(leg.forward, ready)
    await this.settle()
    this.throwIfStopped()
    return this.migrate(leg, index, ready)
  }

  /** Each direction is checked once, before its first run. */
  private async check(leg: RaceLeg): Promise<Ready> {
    const { guest, modes, link, rateMbit, addresses, force } = this.request
    const { source, target } = this.hosts(leg)
    const targetAddress = addresses[target.name] ?? null
    const { checks, linkAddress, ...found } = await precheck({ source, target, guest, modes, link, rateMbit, targetAddress, timing: this.request.timing })
    const direction = { from: source.name, to: target.name, checks }
    this.prechecks.push(direction)
    this.request.onEvent({ kind: 'precheck', ...direction })
    const obstacle = checks.find(check => check.status === 'error' && !(force && check.forceable))
    if (!mayStart(checks, force) || !found.guest || linkAddress === null)
      throw new Me2Error('precheck-failed', obstacle?.message ?? 'The pre-check did not pass.', obstacle?.action)
    return { ...found, guest: found.guest, checks, linkAddress }
  }

  private async settle(): Promise<void> {
    const { settleMs, onEvent } = this.request
    onEvent({ kind: 'settling', ms: settleMs })
    await sleep(settleMs, undefined, { signal: this.stop.signal }).catch(() => {})
  }

  private settings(mode: Mode): RunSettings {
    const { encoder, link, rateMbit, verify, scrub, settleMs } = this.request
    return { mode, encoder: mode === 'me2' ? encoder : null, link, rateMbit, verify, scrub, settleMs }
  }

  private describe(leg: RaceLeg, index: number, { from, to, guest }: Ready): Run {
    const startedAt = new Date()
    return {
      schema: runSchemaVersion,
      id: newRunId(startedAt, guest.name, leg.mode),
      startedAt: startedAt.toISOString(),
      race: { id: this.id, index, runs: this.legs.length },
      lab: this.request.lab,
      guest: { ...guest, workload: this.request.workload },
      from, to,
      settings: this.settings(leg.mode),
      result: null,
    }
  }

  private async migrate(leg: RaceLeg, index: number, ready: Ready): Promise<FinishedRun> {
    const { guest, heartbeat, owner, runs, onEvent } = this.request
    const run = this.describe(leg, index, ready)
    const recorder = await runs.begin(run)
    onEvent({ kind: 'runStarted', run, index, runs: this.legs.length })
    this.migration = startMigration({
      ...this.hosts(leg),
      guest, heartbeat, owner,
      settings: run.settings,
      targetAddress: run.settings.link === 'ssh' ? `root@${ready.linkAddress}` : ready.linkAddress,
      timing: this.request.timing,
      onEvent: (event, figures) => {
        recorder.append(event)
        onEvent({ kind: 'run', event, figures })
      },
    })
    const result = await this.migration.result
    this.migration = null
    const finished = await recorder.finish(result)
    onEvent({ kind: 'runEnded', run: finished })
    return finished
  }
}

export function startRace(request: RaceRequest): RaceJob {
  const race = new Race(request)
  return { cancel: () => race.cancel(), result: race.run() }
}
