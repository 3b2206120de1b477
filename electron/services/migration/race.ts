/**
 * A race or a sweep: the same guest there and back, one run after the other by a plan. Every run is saved as it happens. A
 * run that does not end as it should ends a race: the next one would not be comparable. A sweep goes on without that run as
 * long as the guest runs on, with the memory it had.
 */
import type { Leg } from '../../../shared/model/raceOrder.ts'
import type { FinishedRun, GuestFacts, Link, Run, RunProblem, RunSettings } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import type { DiskToMove } from '../disk/diskToMove.ts'
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
import { runSchemaVersion } from '../../../shared/model/run.ts'
import { diskToMove } from '../disk/diskToMove.ts'
import { guestDisks } from '../disk/guestDisks.ts'
import { newRunId } from '../runs/runStore.ts'
import { domainsOn } from './findGuest.ts'
import { startMigration } from './migrate.ts'
import { mayStart } from './precheck/checks.ts'
import { precheck } from './precheck/precheck.ts'
import { asProblem } from './problems.ts'

export interface RaceRequest {
  /** Default: a new one. Races with one id are shown as one (twins). */
  id?: string
  /** `single`: one migration that belongs to no race. */
  kind: 'race' | 'sweep' | 'single'
  /** Where the guest is now, and where it goes first. */
  home: HostHandle
  away: HostHandle
  guest: string
  legs: readonly Leg[]
  link: Link
  verify: boolean
  scrub: boolean
  /** The guest's disk goes along. `overwrite`: what lies at its path on the target may be written over, from the first run on. */
  withDisk: { overwrite: boolean } | null
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

/** It runs on, and nothing that it remembers is wrong. */
function isSound({ result: { outcome, verify, guestBad } }: FinishedRun): boolean {
  if (outcome === 'aborted')
    return true
  return outcome === 'migrated' && (verify?.differing ?? 0) === 0 && (guestBad ?? 0) === 0
}

class Race {
  private readonly request: RaceRequest
  private readonly id: string
  /** The guest is where it was before the first run. */
  private atHome = true
  /** It has been at both hosts, so both have its disk. */
  private hasMoved = false
  private readonly stop = new AbortController()
  private readonly prechecks: DirectionChecks[] = []
  private migration: MigrationJob | null = null
  /** What the pre-check found, by whether the guest sets out from home. */
  private readonly ready = new Map<boolean, Ready>()

  constructor(request: RaceRequest) {
    this.request = request
    this.id = request.id ?? randomUUID()
  }

  cancel(): CancelAnswer {
    this.stop.abort()
    return this.migration?.cancel() ?? { accepted: true }
  }

  async run(): Promise<RaceResult> {
    const runs: FinishedRun[] = []
    let problem: RunProblem | null = null
    try {
      for (const [index, leg] of this.request.legs.entries()) {
        const run = await this.runLeg(leg, index)
        runs.push(run)
        this.hasMoved ||= run.result.outcome === 'migrated'
        this.atHome = run.result.outcome === 'migrated' ? !this.atHome : this.atHome
        problem = this.goesOnAfter(run) ? null : run.result.problem
        if (problem)
          break
      }
    }
    catch (error) {
      problem = asProblem(error)
    }
    return { id: this.id, runs, prechecks: this.prechecks, problem }
  }

  private goesOnAfter(run: FinishedRun): boolean {
    return this.request.kind === 'sweep' && !this.stop.signal.aborted && isSound(run)
  }

  private hosts(): { source: HostHandle, target: HostHandle } {
    const { home, away } = this.request
    return this.atHome ? { source: home, target: away } : { source: away, target: home }
  }

  private throwIfStopped(): void {
    if (this.stop.signal.aborted)
      throw new Me2Error('cancelled', 'The race was cancelled.')
  }

  private async runLeg(leg: Leg, index: number): Promise<FinishedRun> {
    this.throwIfStopped()
    const ready = this.ready.get(this.atHome) ?? await this.check()
    this.ready.set(this.atHome, ready)
    await this.settle()
    this.throwIfStopped()
    return this.migrate(leg, index, { ...ready, disk: await this.findDisk() })
  }

  /** Each direction is checked once, before its first run; the link against the highest cap. */
  private async check(): Promise<Ready> {
    const { guest, legs, link, addresses, force, withDisk } = this.request
    const { source, target } = this.hosts()
    const modes = [...new Set(legs.map(({ mode }) => mode))]
    const rateMbit = Math.max(...legs.map(leg => leg.rateMbit ?? 0)) || null
    const targetAddress = addresses[target.name] ?? null
    const { checks, linkAddress, ...found } = await precheck({ source, target, guest, modes, link, rateMbit, targetAddress, withDisk: withDisk !== null, timing: this.request.timing })
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

  /** Found anew before each run: a guest's number and its block device change with each. What a race itself left behind at the former source may be overwritten. */
  private async findDisk(): Promise<DiskToMove | null> {
    const { withDisk, guest, timing } = this.request
    if (!withDisk)
      return null
    const { source } = this.hosts()
    const domain = (await domainsOn(source, timing.requestMs)).find(({ name }) => name === guest)
    if (!domain)
      throw new Me2Error('no-domain', `${guest} does not run on ${source.name}.`, 'See where it is.')
    return diskToMove(await guestDisks(await source.session(), domain.domid), guest, withDisk.overwrite || this.hasMoved)
  }

  private settings(leg: Leg): RunSettings {
    const { link, verify, scrub, settleMs } = this.request
    return { ...leg, link, verify, scrub, settleMs, withDisk: this.request.withDisk !== null }
  }

  private describe(leg: Leg, index: number, { from, to, guest }: Ready): Run {
    const { kind, legs, lab, workload } = this.request
    const startedAt = new Date()
    return {
      schema: runSchemaVersion,
      id: newRunId(startedAt, guest.name, leg.mode),
      startedAt: startedAt.toISOString(),
      race: kind === 'single' ? null : { id: this.id, index, runs: legs.length, kind },
      lab,
      guest: { ...guest, workload },
      from, to,
      settings: this.settings(leg),
      result: null,
    }
  }

  private async migrate(leg: Leg, index: number, ready: Ready & { disk: DiskToMove | null }): Promise<FinishedRun> {
    const { guest, legs, heartbeat, owner, runs, onEvent } = this.request
    const run = this.describe(leg, index, ready)
    const recorder = await runs.begin(run)
    onEvent({ kind: 'runStarted', run, index, runs: legs.length })
    this.migration = startMigration({
      ...this.hosts(),
      disk: ready.disk,
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
