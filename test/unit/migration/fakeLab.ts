/** Two scripted hosts with one guest, and the scripts of a migration that works; tests replace the part that fails. */
import type { MigrationTiming } from '../../../electron/services/migration/timing.ts'
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { FakeProcess } from './fakeHost.ts'
import { domain, migrated, progressMessage, received, roundMessage, startMessage } from '../model/messages.ts'
import { FakeHost } from './fakeHost.ts'

/** So impatient that a test of a time-out takes milliseconds. */
export const impatient: MigrationTiming = {
  listenMs: 40,
  requestMs: 40,
  drainMs: 40,
  endMs: 40,
  settleForMs: 30,
  settlePollMs: 1,
  heartbeatBackMs: 30,
  watchMs: 1,
  reconnectDelaysMs: [1, 1],
  reconnectForMs: 1000,
}

export function listen(process: FakeProcess): void {
  process.on({
    line: () => process.say({ t: 'listening', address: process.option('--bind')!, port: 40_001 }),
    end: () => process.finish(1),
  })
}

/** What the source says up to and including "the target could unpause". */
export const untilReady: AgentMessage[] = [
  startMessage(), progressMessage(), roundMessage(), { t: 'suspended', ns: 5 }, progressMessage({ phase: 'final' }),
  { t: 'imageReceived', ns: 6 }, { t: 'ready', ns: 7 }, progressMessage({ phase: 'handshake' }),
]

export const afterReady: AgentMessage[] = [
  { t: 'goAhead', ns: 8 }, { t: 'unpaused', ns: 9, status: 0 }, { t: 'verify', compared: 60, differing: 0, ioBuffers: 0, pageTables: 0, skipped: 40, frames: [] },
]

export class FakeLab {
  readonly a = new FakeHost('hosta', [domain('web')])
  readonly b = new FakeHost('hostb')

  constructor() {
    for (const [source, target] of [[this.a, this.b], [this.b, this.a]] as const) {
      target.scripts.set('receive', listen)
      source.scripts.set('migrate', process => process.on({ line: line => line === 'cancel' ? this.abort(source, target, process) : this.succeed(source, target, process) }))
      source.scripts.set('link-test', process => process.on({ line: () => process.say({ t: 'linkTest', bytes: 4e6, ms: 400, bytesPerSecond: 1e7 }).finish() }))
    }
  }

  receiver(target: FakeHost): FakeProcess {
    return target.started.findLast(process => process.command === 'receive')!
  }

  /** The guest changes hosts. */
  move(source: FakeHost, target: FakeHost): void {
    source.forget('web')
    target.domains = [domain('web')]
  }

  succeed(source: FakeHost, target: FakeHost, process: FakeProcess, verify: readonly AgentMessage[] = afterReady): void {
    this.move(source, target)
    this.receiver(target).say({ t: 'connected', from: '10.77.0.1' }, { t: 'goAhead', ns: 8 }, received('running')).finish()
    process.say(...untilReady, ...verify, migrated()).finish()
  }

  abort(_source: FakeHost, target: FakeHost, process: FakeProcess): void {
    this.receiver(target).say(received('destroyed')).finish(1)
    process.say({ t: 'error', code: 'cancelled', message: 'it was cancelled', action: '' }, migrated({ outcome: 'aborted', reason: 'cancelled', downtimeMs: null, downtimeTransferMs: null })).finish(1)
  }
}
