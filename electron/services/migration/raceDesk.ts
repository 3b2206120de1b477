/**
 * The one race that this console may run at a time, and everything that was said in it: whoever comes later, or comes
 * back, hears it from the beginning.
 */
import type { RaceCheck, RaceMessage, RaceRequestView } from '../../../shared/contract/races.ts'
import type { Mode, RunProblem } from '../../../shared/model/run.ts'
import type { HostRegistry, KnownHost } from '../hosts/hostRegistry.ts'
import type { RunStore } from '../runs/runStore.ts'
import type { RaceEvent, RaceJob, RaceRequest } from './race.ts'
import type { MigrationTiming } from './timing.ts'
import { randomUUID } from 'node:crypto'
import { Me2Error } from '../../../shared/errors.ts'
import { encodingWith } from '../../../shared/model/encoding.ts'
import { raceLegs } from '../../../shared/model/raceOrder.ts'
import { Watched } from '../watched.ts'
import { precheck } from './precheck/precheck.ts'
import { asProblem } from './problems.ts'
import { startRace } from './race.ts'
import { knownAddresses, labGuestFacts } from './raceFacts.ts'

export interface RaceDeskOptions {
  hosts: HostRegistry
  runs: RunStore
  timing: MigrationTiming
  /** Who holds a guest's lock, for another console to read. */
  owner: string
  /** A run has begun or ended. */
  onRun: () => void
}

/** A finished run keeps this part of its progress for those who come later; its file keeps all of it. */
const keptEveryMs = 400
const batchEveryMs = 100
const batchMessages = 2000

interface Said {
  serial: number
  message: RaceMessage
}

export class RaceDesk {
  private readonly options: RaceDeskOptions
  private said: Said[] = []
  /** Serial number of the newest message; they go on from race to race. */
  private readonly newest = new Watched(0)
  private jobs: RaceJob[] = []

  constructor(options: RaceDeskOptions) {
    this.options = options
  }

  get isBusy(): boolean {
    return this.jobs.length > 0
  }

  async precheck(request: RaceRequestView): Promise<RaceCheck[]> {
    const [home, away] = this.hostsOf(request)
    const { guest, modes, link, rateMbit, withDisk } = request
    const { checks } = await precheck({ source: home.handle, target: away.handle, guest, modes, link, rateMbit, targetAddress: away.linkAddress, withDisk: withDisk !== null, timing: this.options.timing })
    return checks
  }

  /** Returns the race's id. Throws `busy`, `usage`. */
  start(request: RaceRequestView): string {
    if (this.isBusy)
      throw new Me2Error('busy', 'A race is under way already.', 'Wait for its end, or stop it.')
    const [home, away] = this.hostsOf(request)
    const parts = partsOf(request)
    const id = randomUUID()
    this.said = []
    this.say({ kind: 'started', id, request, lab: home.lab, runs: parts.flatMap(({ modes }) => modes).length * request.repeats })
    this.options.hosts.hold('race', [home.name, away.name])
    this.jobs = parts.map(part => startRace(this.jobRequest(id, request, part, home, away)))
    void this.conclude()
    return id
  }

  cancel(): { accepted: boolean, reason: string | null } {
    const refused = this.jobs.map(job => job.cancel()).find(answer => !answer.accepted)
    return { accepted: refused === undefined, reason: refused?.accepted === false ? refused.reason : null }
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    await Promise.all(this.jobs.map(async job => job.result))
  }

  /** All messages of the current or last race in batches, then new ones; a next race begins with its `started`. */
  async* watch(signal?: AbortSignal): AsyncGenerator<RaceMessage[]> {
    let told = 0
    for await (const _ of this.newest.follow({ signal, everyMs: batchEveryMs })) {
      for (let batch = this.after(told); batch.length > 0; batch = this.after(told)) {
        told = batch.at(-1)!.serial
        yield batch.map(({ message }) => message)
      }
    }
  }

  /** The next messages after that serial number; usually few, at the end. */
  private after(serial: number): Said[] {
    let first = this.said.length
    while (first > 0 && this.said[first - 1]!.serial > serial)
      first--
    return this.said.slice(first, first + batchMessages)
  }

  private hostsOf({ from, to }: RaceRequestView): [KnownHost, KnownHost] {
    if (from === to)
      throw new Me2Error('usage', 'A guest cannot migrate to the host it is on.', 'Choose another target.')
    return [this.options.hosts.host(from), this.options.hosts.host(to)]
  }

  private jobRequest(id: string, request: RaceRequestView, { guest, modes }: RacePart, home: KnownHost, away: KnownHost): RaceRequest {
    const { repeats, encoder, link, rateMbit, verify, scrub, settleMs, force, withDisk } = request
    let run = ''
    return {
      id, guest, link, verify, scrub, settleMs, force, withDisk,
      kind: 'race',
      legs: raceLegs({ modes, repeats, encoding: encodingWith(encoder, request), rateMbit }),
      home: home.handle,
      away: away.handle,
      lab: home.lab,
      addresses: knownAddresses([home, away]),
      ...labGuestFacts(home.lab === 'boxed' ? this.options.hosts.labGuest(guest) : null),
      owner: this.options.owner,
      runs: this.options.runs,
      timing: this.options.timing,
      onEvent: (event) => {
        if (event.kind === 'runStarted')
          run = event.run.id
        this.say(toMessage(event, run))
        if (event.kind === 'runEnded')
          this.thin(run)
        if (event.kind === 'runStarted' || event.kind === 'runEnded')
          this.options.onRun()
      },
    }
  }

  private async conclude(): Promise<void> {
    const ends = await Promise.all(this.jobs.map(async (job): Promise<RunProblem | null> => job.result.then(({ problem }) => problem, asProblem)))
    this.jobs = []
    this.options.hosts.hold('race', [])
    this.say({ kind: 'ended', problem: ends.find(problem => problem !== null) ?? null })
  }

  private say(message: RaceMessage): void {
    const serial = this.newest.value + 1
    this.said.push({ serial, message })
    this.newest.set(serial)
  }

  /** Keeps a finished run small for those who come later; who listens now has heard nearly all of it. */
  private thin(run: string): void {
    const lastMs = new Map<string, number>()
    this.said = this.said.filter(({ message }) => {
      if (message.kind !== 'run' || message.id !== run || !('message' in message.event))
        return true
      const { atMs, from, message: { t } } = message.event
      if (t !== 'progress' && t !== 'heartbeat')
        return true
      const key = `${from} ${t}`
      if (atMs - (lastMs.get(key) ?? -Infinity) < keptEveryMs)
        return false
      lastMs.set(key, atMs)
      return true
    })
  }
}

interface RacePart {
  guest: string
  modes: readonly Mode[]
}

/** Paired: one guest in all modes. Twins: each guest in a mode of its own, at the same time. Throws `usage`. */
function partsOf({ guest, twin, modes }: RaceRequestView): RacePart[] {
  if (twin === guest)
    throw new Me2Error('usage', `${guest} cannot be its own twin.`, 'Choose another guest of the same host.')
  return twin === null ? [{ guest, modes }] : [{ guest, modes: ['stock'] }, { guest: twin, modes: ['me2'] }]
}

function toMessage(event: RaceEvent, run: string): RaceMessage {
  return event.kind === 'run' ? { kind: 'run', id: run, event: event.event } : event
}
