/**
 * The autopilot: one flight at a time, a look every few seconds, and what everybody sees of it. Whatever goes wrong on the way ends the
 * flight with a reason.
 */
import type { AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { AutopilotOptions, AutopilotStart } from './flight.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { asProblem } from '../migration/problems.ts'
import { Watched } from '../watched.ts'
import { autopilotView, nothingYet } from './autopilotView.ts'
import { Flight } from './flight.ts'

export class Autopilot {
  readonly view: Watched<AutopilotView>
  private readonly options: AutopilotOptions
  private flight: Flight | null = null
  private timer: NodeJS.Timeout | null = null
  private ending: Promise<void> | null = null

  constructor(options: AutopilotOptions) {
    this.options = options
    this.view = new Watched(nothingYet(options.audit.entries))
  }

  get isOn(): boolean {
    return this.view.value.state !== 'off'
  }

  /** Names of those that it has, or is about to have. */
  get hosts(): readonly string[] {
    return this.flight?.start.hosts.map(({ name }) => name) ?? []
  }

  get isMoving(): boolean {
    return (this.flight?.hands.doing.size ?? 0) > 0
  }

  /** Throws `usage`, `busy`, and what the connections throw. */
  async start(start: AutopilotStart): Promise<void> {
    if (this.isOn)
      throw new Me2Error('busy', 'The autopilot is on already.', 'Stop it first.')
    if (new Set(start.hosts.map(({ name }) => name)).size < 2)
      throw new Me2Error('usage', 'The autopilot needs two hosts at least.', 'Choose more.')
    const { mode, dryRun, hosts } = start
    const flight = new Flight(start, this.options, problem => void this.stop(problem))
    this.flight = flight
    this.view.set({ ...nothingYet(this.options.audit.entries), state: 'starting', mode, dryRun, lab: hosts[0]!.lab })
    this.options.audit.add({ kind: 'started', mode, dryRun, hosts: hosts.map(({ name }) => name), policy: this.options.policy() })
    try {
      await flight.takeHosts()
    }
    catch (error) {
      await this.stop(asProblem(error))
      throw error
    }
    if (this.flight !== flight || this.ending) {
      await flight.end()
      throw new Me2Error('cancelled', 'The autopilot was stopped while it started.')
    }
    this.timer = setInterval(() => this.step(), samplePeriodMs)
    this.publish()
  }

  /** `problem`: why it stops by itself. Resolves when what could not be cancelled has come to its end. */
  async stop(problem: Problem | null = null): Promise<void> {
    this.ending ??= this.flight ? this.endFlight(this.flight, problem).finally(() => this.ending = null) : null
    await this.ending
  }

  approve(id: string): void {
    this.flying().approve(id)
    this.publish()
  }

  dismiss(id: string): void {
    this.flying().dismiss(id)
    this.publish()
  }

  private flying(): Flight {
    if (!this.flight || this.ending)
      throw new Me2Error('overtaken', 'The autopilot is off.', 'Start it.')
    return this.flight
  }

  private step(): void {
    if (!this.flight || this.ending)
      return
    this.flight.step()
    this.publish()
  }

  private async endFlight(flight: Flight, problem: Problem | null): Promise<void> {
    if (this.timer)
      clearInterval(this.timer)
    this.timer = null
    this.view.set({ ...this.view.value, state: 'stopping', proposal: null, queue: [] })
    await flight.end()
    this.flight = null
    this.options.audit.add({ kind: 'stopped', problem })
    this.view.set({ ...nothingYet(this.options.audit.entries), problem })
  }

  private publish(): void {
    if (this.flight && !this.ending)
      this.view.set(autopilotView(this.flight, this.options.audit.entries))
  }
}
