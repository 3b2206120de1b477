/**
 * One migration as a job. Whatever happens on the way, it resolves with a result that says how it went and where the
 * guest is, as both hosts told it afterwards; it rejects only for a bug. It never destroys a guest and never starts one:
 * xl and the agents do.
 */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { RunResult } from '../../../shared/model/run.ts'
import type { MigrationPhase, RunEvent, Side } from '../../../shared/model/runEvent.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import type { HeartbeatSource } from './heartbeats.ts'
import type { TransferOptions } from './transfer.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { addMessage, heartbeatIsBack, noFigures } from '../../../shared/model/runFigures.ts'
import { conclude } from './conclude.ts'
import { findGuest } from './findGuest.ts'
import { Heartbeats } from './heartbeats.ts'
import { agentsBefore, agentsLeft } from './leftovers.ts'
import { asProblem } from './problems.ts'
import { Transfer } from './transfer.ts'

export interface MigrationRequest extends Omit<TransferOptions, 'onMessage' | 'onNote'> {
  heartbeat: HeartbeatSource | null
  /** Called in order; `figures` include the event. Must not throw. */
  onEvent: (event: RunEvent, figures: RunFigures) => void
}

export type CancelAnswer = { accepted: true } | { accepted: false, reason: string }

export interface MigrationJob {
  /** Up to the go-ahead; the guest then stays at the source. */
  cancel: () => CancelAnswer
  result: Promise<RunResult>
}

const heartbeatPollMs = 100

class Migration {
  private readonly request: MigrationRequest
  private readonly transfer: Transfer
  private readonly startedAtMs = performance.now()
  private figures: RunFigures = noFigures
  private phase: MigrationPhase | null = null
  private transferred = false

  constructor(request: MigrationRequest) {
    this.request = request
    this.transfer = new Transfer({
      ...request,
      onMessage: (side, message) => this.take(side, message),
      onNote: note => this.note(note),
    })
  }

  cancel(): CancelAnswer {
    if (this.transferred)
      return { accepted: false, reason: 'The migration is over.' }
    if (this.figures.goAhead)
      return { accepted: false, reason: `The point of no return is passed: ${this.request.target.name} was told to start the guest.` }
    this.transfer.cancel()
    return { accepted: true }
  }

  async run(): Promise<RunResult> {
    this.enter('prepare')
    const leftovers = await this.watchLeftovers()
    const heartbeats = await this.listen()
    this.enter('connect')
    const problem = await this.transfer.run()
    this.transferred = true
    this.enter('settle')
    const verdict = await findGuest({ ...this.request, onNote: note => this.note(note) })
    if (this.figures.unpaused && this.request.heartbeat)
      await this.hearGuestAgain()
    await heartbeats.stop(this.request.timing.endMs)
    return conclude({ verdict, figures: this.figures, problem, leftovers: await leftovers(), endedAt: new Date() })
  }

  private emit(event: RunEvent): void {
    this.request.onEvent(event, this.figures)
  }

  private get atMs(): number {
    return Math.round(performance.now() - this.startedAtMs)
  }

  private enter(phase: MigrationPhase): void {
    if (phase === this.phase)
      return
    this.phase = phase
    this.emit({ atMs: this.atMs, from: 'console', phase })
  }

  private note(note: string): void {
    this.emit({ atMs: this.atMs, from: 'console', note })
  }

  private take(side: Side, message: AgentMessage): void {
    this.figures = addMessage(this.figures, side, message)
    if (side === 'source' && message.t === 'progress')
      this.enter(message.phase)
    if (side === 'source' && (message.t === 'diskStart' || message.t === 'disk') && this.phase === 'connect')
      this.enter('disk')
    this.emit({ atMs: this.atMs, from: side, message })
  }

  private async listen(): Promise<Heartbeats> {
    const { source, target, heartbeat } = this.request
    return Heartbeats.start({ source, target }, heartbeat, {
      onMessage: (side, message) => this.take(side, message),
      onNote: note => this.note(note),
    })
  }

  /** Notes what runs on the hosts now; the answer tells what came to it. Not knowing is no reason to stop. */
  private async watchLeftovers(): Promise<() => Promise<string[]>> {
    const { source, target, timing: { settlePollMs } } = this.request
    try {
      const [atSource, atTarget] = await Promise.all([agentsBefore(source), agentsBefore(target)])
      return async () => (await Promise.all([agentsLeft(source, atSource, settlePollMs), agentsLeft(target, atTarget, settlePollMs)])).flat()
    }
    catch (error) {
      this.note(`What runs on the hosts could not be told: ${asProblem(error).message}`)
      return async () => []
    }
  }

  /** Until the service's gap is over and its end is surely in the figures. */
  private async hearGuestAgain(): Promise<void> {
    const { heartbeatBackMs, watchMs } = this.request.timing
    this.enter('watch')
    const until = performance.now() + heartbeatBackMs
    while (!heartbeatIsBack(this.figures) && performance.now() < until)
      await sleep(heartbeatPollMs)
    await sleep(watchMs)
  }
}

export function startMigration(request: MigrationRequest): MigrationJob {
  const migration = new Migration(request)
  return { cancel: () => migration.cancel(), result: migration.run() }
}
