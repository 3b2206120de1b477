/**
 * One life of the autopilot, from its start to its stop: looks when it is told to, decides by the pure planner (shared/model/autopilot),
 * and in its mode advises, asks or acts. It never acts on old samples, and never twice at one host.
 */
import type { Problem } from '../../../shared/errors.ts'
import type { AutopilotMode, Happening } from '../../../shared/model/autopilot/audit.ts'
import type { ClusterState } from '../../../shared/model/autopilot/cluster.ts'
import type { LinkFacts } from '../../../shared/model/autopilot/migrationCost.ts'
import type { Mind } from '../../../shared/model/autopilot/mind.ts'
import type { Move, Plan, Step } from '../../../shared/model/autopilot/planner.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import type { AuditLog } from './auditLog.ts'
import type { WatchedHost } from './eyes.ts'
import type { HandsOptions } from './hands.ts'
import type { MoveEnd } from './moveGuest.ts'
import { randomUUID } from 'node:crypto'
import { Me2Error } from '../../../shared/errors.ts'
import { calibrated } from '../../../shared/model/autopilot/calibration.ts'
import { loadOf } from '../../../shared/model/autopilot/cluster.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { decide, look, newMind, withMoved } from '../../../shared/model/autopilot/mind.ts'
import { samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { isReady } from '../../../shared/model/autopilot/readiness.ts'
import { asProblem } from '../migration/problems.ts'
import { Eyes } from './eyes.ts'
import { Hands } from './hands.ts'
import { HostLocks } from './hostLocks.ts'

export interface AutopilotOptions extends Pick<HandsOptions, 'labGuest' | 'settings' | 'power' | 'owner' | 'runs' | 'timing' | 'onRun'> {
  policy: () => Policy
  audit: AuditLog
  /** Somebody else migrates on these hosts: nothing is begun. */
  isBusy: () => boolean
}

export interface AutopilotStart {
  hosts: readonly WatchedHost[]
  mode: AutopilotMode
  dryRun: boolean
}

/** Half an hour. */
const seenSamples = 360
/** A proposal that was dismissed is not made again for so long. */
const dismissedMs = 300_000
/** A step that cannot be begun for so long, with nothing under way that it waits for, is not begun any more. */
const idleQueueMs = 60_000
/** Samples that a migration took part in; they come a little late. */
const aftermathMs = 2 * samplePeriodMs

/** What makes a plan the same plan, whatever its figures. */
function keyOf({ scenario, host, steps }: Plan): string {
  return JSON.stringify([scenario, host, steps.map(step => step.kind === 'move' ? [step.move.guest, step.move.from, step.move.to] : [step.kind, step.host])])
}

export class Flight {
  readonly start: AutopilotStart
  readonly eyes: Eyes
  readonly hands: Hands
  mind: Mind = newMind
  plan: Plan | null = null
  proposal: { id: string, key: string } | null = null
  queue: Step[] = []
  link: LinkFacts = usualLink
  /** What was seen of each host, as it was: a number every sample period, null where it was not heard. What the planner looks back on is corrected for moves. */
  readonly seen = new Map<string, (number | null)[]>()
  /** Guests that two hosts have by one name. */
  doubled: readonly string[] = []
  /** Guests that the pre-check refused, and why. */
  readonly refused = new Map<string, string>()
  private readonly options: AutopilotOptions
  private readonly locks: HostLocks
  private readonly onProblem: (problem: Problem) => void
  private readonly lives = new Map<string, string>()
  private readonly busyUntil = new Map<string, number>()
  private readonly dismissed = new Map<string, number>()
  private told = ''
  /** When something was decided, begun or over, the last time. */
  private stirredMs = 0
  private locking = false

  constructor(start: AutopilotStart, options: AutopilotOptions, onProblem: (problem: Problem) => void) {
    this.start = start
    this.options = options
    this.onProblem = onProblem
    this.eyes = new Eyes(start.hosts, samplePeriodMs)
    this.locks = new HostLocks({ owner: options.owner, requestMs: options.timing.requestMs })
    this.hands = new Hands({
      ...options,
      onHappening: happening => this.tell(happening),
      onMoved: (move, end) => this.moved(move, end),
      onSwitched: host => this.busyUntil.set(host, performance.now() + aftermathMs),
      onProblem,
    }, this.eyes)
  }

  private get mayAct(): boolean {
    return this.start.mode !== 'advise' && !this.start.dryRun
  }

  private tell(happening: Happening): void {
    this.options.audit.add(happening)
  }

  /** Throws `busy` where another autopilot has a host, and what a connection throws. */
  async takeHosts(): Promise<void> {
    if (this.mayAct)
      await Promise.all(this.start.hosts.filter(({ standby }) => !standby).map(async ({ handle }) => this.locks.take(handle)))
  }

  /** Resolves when nothing of it is under way. */
  async end(): Promise<void> {
    this.queue = []
    await this.hands.letGo()
    await this.eyes.close()
    this.locks.releaseAll()
  }

  policy(): Policy {
    const policy = this.options.policy()
    return { ...policy, excluded: [...policy.excluded, ...this.refused.keys()] }
  }

  /** As migrations have found it; no faster than they are allowed to be. */
  private cappedLink(): LinkFacts {
    return { ...this.link, mbit: Math.min(this.link.mbit, this.options.settings().rateMbit ?? Number.POSITIVE_INFINITY) }
  }

  /** Those of migrations under way, and of those just over: their samples are not what they would be without. */
  busyHosts(nowMs: number): Set<string> {
    const lately = [...this.busyUntil].flatMap(([host, untilMs]) => untilMs > nowMs ? [host] : [])
    return new Set([...this.hands.busyHosts(), ...lately])
  }

  /** One look, and what follows from it. */
  step(): void {
    const nowMs = performance.now()
    const { state, doubled } = this.eyes.see(nowMs, this.lives)
    this.doubled = doubled
    this.note(state)
    this.mind = look(this.mind, nowMs, state, this.policy(), this.busyHosts(nowMs))
    this.eyes.exploreNext(state, nowMs, this.hands.busyHosts())
    this.keepHosts(nowMs)
    if (this.hands.doing.size > 0)
      this.stirredMs = nowMs
    if (this.queue.length > 0 && (this.isOvertaken(state) || nowMs - this.stirredMs > idleQueueMs))
      this.giveUp()
    if (this.queue.length === 0)
      this.consider(decide(this.mind, nowMs, this.policy(), { busyHosts: this.hands.busyHosts(), moves: this.hands.moves, link: this.cappedLink() }), nowMs)
    this.runQueue(nowMs)
  }

  private note(state: ClusterState): void {
    for (const { name } of this.start.hosts) {
      const host = state.hosts.find(each => each.name === name && each.power === 'on')
      this.seen.set(name, [...this.seen.get(name) ?? [], host ? loadOf(state, host) : null].slice(-seenSamples))
    }
  }

  /** Throws `overtaken` if that is no longer what it would do. */
  approve(id: string): void {
    const plan = this.proposed(id)
    this.tell({ kind: 'approved', plan })
    this.proposal = null
    this.take(plan)
    this.runQueue(performance.now())
  }

  dismiss(id: string): void {
    const plan = this.proposed(id)
    this.tell({ kind: 'dismissed', plan })
    this.dismissed.set(keyOf(plan), performance.now() + dismissedMs)
    this.proposal = null
  }

  private proposed(id: string): Plan {
    if (this.proposal?.id !== id || this.plan === null)
      throw new Me2Error('overtaken', 'The hosts are no longer as they were when that was proposed.', 'Look at what is proposed now.')
    return this.plan
  }

  private consider(plan: Plan, nowMs: number): void {
    const key = keyOf(plan)
    const acts = plan.steps.length > 0 && this.mayAct && !this.options.isBusy()
    const asks = acts && this.start.mode === 'ask'
    // while something is under way the plan that it belongs to is shown, and what is hot meanwhile is no news
    const isNews = plan.steps.length > 0 || this.hands.doing.size === 0
    if (isNews)
      this.plan = plan
    if (isNews && key !== this.told && plan.scenario !== 'waiting') {
      this.told = key
      this.tell({ kind: 'decided', plan: { ...plan, rejected: plan.rejected.slice(0, 20) }, acted: acts && !asks, evidence: Object.fromEntries(this.mind.heat) })
    }
    if (asks && !((this.dismissed.get(key) ?? 0) > nowMs))
      this.proposal = this.proposal?.key === key ? this.proposal : { id: randomUUID(), key }
    else
      this.proposal = null
    if (acts && !asks)
      this.take(plan)
  }

  private take(plan: Plan): void {
    this.queue = [...plan.steps]
    this.stirredMs = performance.now()
  }

  private runQueue(nowMs: number): void {
    while (this.queue.length > 0 && !this.options.isBusy() && isReady(this.queue[0]!, this.mind, nowMs, this.hands.busyHosts(), this.hands.moves, this.policy())) {
      const next = this.queue.shift()!
      this.hands.begin(next)
    }
  }

  /** A host has become too busy since, or a guest is not where it was: what is left would no longer be decided. */
  private isOvertaken({ guests }: ClusterState): boolean {
    const saves = this.queue.some(({ kind }) => kind === 'standby')
    const gone = this.queue.some(step => step.kind === 'move' && !guests.some(({ name, host }) => name === step.move.guest && host === step.move.from))
    return (saves && [...this.mind.heat.values()].some(({ heat }) => heat === 'hot')) || (gone && this.hands.moves === 0)
  }

  private giveUp(): void {
    if (this.queue.length > 0)
      this.tell({ kind: 'overtaken', steps: this.queue })
    this.queue = []
    this.told = ''
  }

  private moved(move: Move, end: MoveEnd): void {
    const nowMs = performance.now()
    this.told = ''
    this.busyUntil.set(move.from, nowMs + aftermathMs).set(move.to, nowMs + aftermathMs)
    if (end.outcome === 'migrated') {
      this.mind = withMoved(this.mind, move.guest, move.to, nowMs)
      this.lives.set(move.guest, move.to)
      setTimeout(() => this.lives.delete(move.guest), 2 * aftermathMs).unref()
      this.link = end.cost ? calibrated(this.link, move.cost, end.cost) : this.link
      return
    }
    this.giveUp()
    if (end.outcome === 'refused')
      this.refused.set(move.guest, end.summary)
    else
      this.onProblem({ code: end.outcome === 'aborted' ? 'xl-failed' : 'state-unknown', message: `${move.guest} was to be moved from ${move.from} to ${move.to}: ${end.summary}`, action: 'See its run, and start the autopilot again when that is settled.' })
  }

  /** The lock of a host goes with its connection: it is taken again, or this one ends because another has it. */
  private keepHosts(nowMs: number): void {
    const lost = this.mayAct ? this.start.hosts.filter(({ name }) => this.eyes.powerOf(name) === 'on' && this.eyes.isHeard(name, nowMs) && !this.locks.has(name)) : []
    if (lost.length === 0 || this.locking)
      return
    this.locking = true
    void Promise.all(lost.map(async ({ handle }) => this.locks.take(handle)))
      .catch((error: unknown) => {
        const problem = asProblem(error)
        // what else may be wrong is wrong with the connection, and tried again
        if (problem.code === 'busy')
          this.onProblem(problem)
      })
      .finally(() => this.locking = false)
  }
}
