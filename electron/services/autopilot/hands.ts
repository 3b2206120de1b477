/** Carries out what was decided: one migration or one switch of a host at a time, each watched to its end. */
import type { Problem } from '../../../shared/errors.ts'
import type { Happening } from '../../../shared/model/autopilot/audit.ts'
import type { Move, Step } from '../../../shared/model/autopilot/planner.ts'
import type { KnownHost } from '../hosts/hostRegistry.ts'
import type { LabGuest } from '../lab/types.ts'
import type { MigrationTiming } from '../migration/timing.ts'
import type { RunStore } from '../runs/runStore.ts'
import type { Eyes } from './eyes.ts'
import type { HostPower } from './hostPower.ts'
import type { MoveEnd, MoveJob, MoveProgress, MoveSettings } from './moveGuest.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { Me2Error } from '../../../shared/errors.ts'
import { domainsOn } from '../migration/findGuest.ts'
import { asProblem } from '../migration/problems.ts'
import { moveGuest } from './moveGuest.ts'

export interface HandsOptions {
  labGuest: (name: string) => LabGuest | null
  settings: () => MoveSettings
  power: (host: KnownHost) => HostPower
  owner: string
  runs: RunStore
  timing: MigrationTiming
  onRun: () => void
  onHappening: (happening: Happening) => void
  onMoved: (move: Move, end: MoveEnd) => void
  onSwitched: (host: string) => void
  /** What was begun did not come to a good end. */
  onProblem: (problem: Problem) => void
}

export interface Doing extends MoveProgress {
  step: Step
  sinceMs: number
  job: MoveJob | null
}

const wakePollMs = 500
/** An emulated host boots in one minute, a server in some five. */
const wakeTimeoutMs = 600_000

export class Hands {
  readonly doing = new Set<Doing>()
  private readonly options: HandsOptions
  private readonly eyes: Eyes
  private readonly works = new Set<Promise<void>>()
  private isLettingGo = false

  constructor(options: HandsOptions, eyes: Eyes) {
    this.options = options
    this.eyes = eyes
  }

  get moves(): number {
    return [...this.doing].filter(({ step }) => step.kind === 'move').length
  }

  busyHosts(): Set<string> {
    return new Set([...this.doing].flatMap(({ step }) => step.kind === 'move' ? [step.move.from, step.move.to] : step.kind === 'standby' ? [step.host] : []))
  }

  /** Returns at once. */
  begin(step: Step): void {
    const doing: Doing = { step, sinceMs: performance.now(), job: null, phase: null, linkBytes: 0 }
    this.doing.add(doing)
    const work = (step.kind === 'move' ? this.move(doing, step.move) : this.switch(step))
      .catch((error: unknown) => this.options.onProblem(asProblem(error)))
      .finally(() => {
        this.doing.delete(doing)
        this.works.delete(work)
      })
    this.works.add(work)
  }

  /** Migrations that can still be cancelled are; all else comes to its end. */
  async letGo(): Promise<void> {
    this.isLettingGo = true
    for (const { job } of this.doing)
      job?.cancel()
    await Promise.all(this.works)
  }

  private async move(doing: Doing, move: Move): Promise<void> {
    const { labGuest, settings, owner, runs, timing, onRun, onHappening, onMoved } = this.options
    onHappening({ kind: 'moving', move })
    doing.job = moveGuest({
      move, owner, runs, timing, onRun,
      from: this.eyes.knownHost(move.from),
      to: this.eyes.knownHost(move.to),
      labGuest: labGuest(move.guest),
      settings: settings(),
      onProgress: ({ phase, linkBytes }) => Object.assign(doing, { phase: phase ?? doing.phase, linkBytes }),
    })
    const end = await doing.job.end
    onHappening({ kind: 'moved', move, ...end })
    onMoved(move, end)
  }

  private async switch(step: Extract<Step, { kind: 'standby' | 'wake' }>): Promise<void> {
    const { host } = step
    const beganMs = performance.now()
    const to = step.kind === 'wake' ? 'on' : 'standby'
    const power = this.options.power(this.eyes.knownHost(host))
    if (step.kind === 'standby')
      await this.requireEmpty(host)
    this.options.onHappening({ kind: 'switching', host, to })
    if (step.kind === 'standby') {
      await this.eyes.fallAsleep(host)
      await power.standBy(host)
    }
    else {
      this.eyes.awaken(host)
      await power.wake(host)
      await this.hear(host)
    }
    this.options.onHappening({ kind: 'switched', host, to, ms: performance.now() - beganMs })
    this.options.onSwitched(host)
  }

  /** What the samples say is seconds old, and a guest may have come meanwhile. */
  private async requireEmpty(host: string): Promise<void> {
    const domains = await domainsOn(this.eyes.knownHost(host).handle, this.options.timing.requestMs)
    const guests = domains.filter(({ domid }) => domid !== 0)
    if (guests.length > 0)
      throw new Me2Error('power-failed', `${host} is not switched off: it has ${guests.map(({ name }) => name).join(', ')}.`, 'See what started them there, then start the autopilot again.')
  }

  private async hear(host: string): Promise<void> {
    const until = performance.now() + wakeTimeoutMs
    while (!this.isLettingGo && !this.eyes.isHeard(host, performance.now())) {
      if (performance.now() > until)
        throw new Me2Error('power-failed', `${host} was told to start, and has not been heard.`, 'Look at the host.')
      await sleep(wakePollMs)
    }
  }
}
