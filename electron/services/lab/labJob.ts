/** The boxed lab as one job that everybody watches: phases with their times, a log, and what went wrong. */
import type { LabPhase, LabView } from '../../../shared/contract/lab.ts'
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { Lab } from './lab.ts'
import type { LabProgress, LabStatus } from './types.ts'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { labPhaseIds } from '../../../shared/contract/lab.ts'
import { asProblem } from '../migration/problems.ts'
import { writeAtomically } from '../runs/atomicFile.ts'
import { Watched } from '../watched.ts'

export interface LabJobOptions {
  /** Its log lines come through `log` below. */
  createLab: (log: (line: string) => void) => Lab
  /** Of a lab that is started, as the user wants it now. */
  plan: () => LabPlan
  /** Where it is kept how long each phase took here the last time. */
  timesFile: string
  /** Called with the hosts when they are up, and with none before they go. */
  onHosts: (status: LabStatus | null) => Promise<void>
}

const timesSchema = z.partialRecord(z.enum(labPhaseIds), z.number().nonnegative())
type Times = z.infer<typeof timesSchema>

const maxLogLines = 400

const nothing: LabView = { state: 'unknown', phases: [], images: [], hosts: [], guests: [], log: [], problem: null }

export class LabJob {
  readonly view = new Watched<LabView>(nothing)
  private readonly options: LabJobOptions
  private readonly lab: Lab
  private starting: { abort: AbortController, ended: Promise<void> } | null = null
  /** It did not run before this console started it. */
  private isOurs = false
  private phaseBeganMs = 0
  private times: Times = {}

  constructor(options: LabJobOptions) {
    this.options = options
    this.lab = options.createLab(line => this.log(line))
  }

  /** Looks whether a lab runs already; adopts its hosts if so. */
  async look(): Promise<void> {
    this.times = await readTimes(this.options.timesFile)
    const status = await this.lab.status()
    this.change({ state: status.state, ...facts(status) })
    if (status.state === 'running')
      await this.options.onHosts(status)
  }

  /** Returns at once; a start that is under way goes on. */
  up(): void {
    if (this.starting)
      return
    this.isOurs ||= this.view.value.state !== 'running'
    const abort = new AbortController()
    this.starting = { abort, ended: this.start(abort.signal).finally(() => this.starting = null) }
  }

  async down(): Promise<void> {
    await this.endWith(async () => this.lab.down())
  }

  async reset(image: boolean): Promise<void> {
    await this.endWith(async () => this.lab.reset({ image }))
  }

  /** Throws what the lab throws. */
  async load(guest: string, percent: number): Promise<void> {
    await this.lab.load(guest, percent)
  }

  async standBy(host: string): Promise<void> {
    await this.lab.standBy(host)
    await this.lookAgain()
  }

  async wake(host: string): Promise<void> {
    await this.lab.wake(host)
    await this.lookAgain()
  }

  private async lookAgain(): Promise<void> {
    this.change(facts(await this.lab.status()))
  }

  /** Stops a start that is under way, and waits until nothing of it is left. */
  async cancel(): Promise<void> {
    this.starting?.abort.abort()
    await this.starting?.ended
  }

  /** Ends the lab if this console started it, from the start on or from a screen. */
  async close(): Promise<void> {
    await this.cancel()
    if (this.isOurs)
      await this.down()
  }

  private async endWith(end: () => Promise<void>): Promise<void> {
    await this.cancel()
    this.isOurs = false
    this.change({ state: 'stopping', problem: null })
    try {
      await this.options.onHosts(null)
      await end()
    }
    finally {
      const status = await this.lab.status()
      this.change({ state: status.state, phases: [], ...facts(status) })
    }
  }

  private async start(signal: AbortSignal): Promise<void> {
    this.phaseBeganMs = performance.now()
    const plan = this.options.plan()
    const ids = labPhaseIds.filter(id => id !== 'disks' || plan.disks)
    this.change({ state: 'starting', problem: null, phases: ids.map(id => this.waiting(id)) })
    try {
      const status = await this.lab.up({ signal, plan }, progress => this.take(progress))
      this.enter('agents', 'putting the agent on both hosts')
      this.change(facts(status))
      await this.options.onHosts(status)
      this.endPhase('done')
      // Only a help for the eye the next time: a full disk is no failure of the lab.
      await this.keepTimes().catch(() => {})
      this.change({ state: 'running' })
    }
    catch (error) {
      const stopped = signal.aborted
      this.endPhase(stopped ? 'skipped' : 'failed')
      const status = await this.lab.status()
      this.change({ state: stopped ? status.state : 'failed', problem: stopped ? null : asProblem(error), ...facts(status) })
    }
  }

  private waiting(id: LabPhase['id']): LabPhase {
    return { id, state: 'waiting', detail: '', elapsedMs: null, usualMs: this.times[id] ?? null }
  }

  private take({ phase, detail }: LabProgress): void {
    this.enter(phase, detail)
    this.log(detail)
  }

  private enter(id: LabPhase['id'], detail: string): void {
    if (!this.view.value.phases.some(phase => phase.id === id && phase.state === 'running'))
      this.endPhase('done')
    const order = labPhaseIds.indexOf(id)
    this.change({
      phases: this.view.value.phases.map((phase, index) => {
        if (phase.id === id)
          return { ...phase, state: 'running', detail, elapsedMs: performance.now() - this.phaseBeganMs }
        return index < order && phase.state === 'waiting' ? { ...phase, state: 'skipped' } : phase
      }),
    })
  }

  /** The running phase, if any, is over. */
  private endPhase(state: 'done' | 'skipped' | 'failed'): void {
    const now = performance.now()
    const elapsedMs = now - this.phaseBeganMs
    this.change({ phases: this.view.value.phases.map(phase => phase.state === 'running' ? { ...phase, state, elapsedMs } : phase) })
    this.phaseBeganMs = now
  }

  private async keepTimes(): Promise<void> {
    const measured = this.view.value.phases.flatMap(({ id, state, elapsedMs }) => state === 'done' && elapsedMs !== null ? [[id, Math.round(elapsedMs)]] : [])
    this.times = { ...this.times, ...Object.fromEntries(measured) as Times }
    await mkdir(dirname(this.options.timesFile), { recursive: true })
    await writeAtomically(this.options.timesFile, `${JSON.stringify(this.times)}\n`)
  }

  private log(line: string): void {
    this.change({ log: [...this.view.value.log, line].slice(-maxLogLines) })
  }

  private change(part: Partial<LabView>): void {
    this.view.set({ ...this.view.value, ...part })
  }
}

function facts({ images, hosts, guests }: LabStatus): Pick<LabView, 'images' | 'hosts' | 'guests'> {
  return {
    images: images.map(({ suite, xen, kernel }) => ({ suite, xen, kernel })),
    hosts: hosts.map(({ name, alive, standby, ssh }) => ({ name, alive, standby, port: ssh.port })),
    guests: guests.map(({ name, profile, memoryBytes, sentence }) => ({ name, profile, memoryBytes, sentence })),
  }
}

/** Only a help for the eye: without the file nothing is expected. */
async function readTimes(file: string): Promise<Times> {
  try {
    return timesSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  }
  catch {
    return {}
  }
}
