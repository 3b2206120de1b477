import type { MigrationRequest } from '../../../electron/services/migration/migrate.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { startMigration } from '../../../electron/services/migration/migrate.ts'
import { domain, heartbeatMessage, migrated, progressMessage, received, startMessage } from '../model/messages.ts'
import { untilEnd } from './fakeHost.ts'
import { afterReady, FakeLab, impatient, listen, untilReady } from './fakeLab.ts'

let lab: FakeLab
let events: RunEvent[]

beforeEach(() => {
  lab = new FakeLab()
  events = []
})

function start(change: Partial<MigrationRequest> = {}) {
  return startMigration({
    source: lab.a.handle,
    target: lab.b.handle,
    guest: 'web',
    settings: { mode: 'me2', encoder: 'rle', level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20, verify: true, scrub: true },
    targetAddress: '10.77.0.2',
    disk: null,
    heartbeat: null,
    owner: 'a test',
    timing: impatient,
    onEvent: event => events.push(event),
    ...change,
  })
}

/** What the source's agent does once it has the key. */
function migrateDoes(does: (process: Parameters<FakeLab['succeed']>[2]) => void): void {
  lab.a.scripts.set('migrate', process => process.on({ line: () => does(process) }))
}

const phases = () => events.flatMap(event => 'phase' in event ? [event.phase] : [])
const notes = () => events.flatMap(event => 'note' in event ? [event.note] : [])

describe('a migration that works', () => {
  it('reports where the guest runs and what it cost', async () => {
    const result = await start().result
    expect(result).toMatchObject({
      outcome: 'migrated', problem: null, summary: 'web runs on hostb.', where: [{ host: 'hostb', domain: 'web' }], leftovers: [],
      linkBytes: 800, totalMs: 12_000, downtimeMs: 700, downtimeTransferMs: 200, verify: { compared: 60, differing: 0, ioBuffers: 0 },
      explored: { kernel: '6.1.0' }, rounds: [{ pages: 100 }],
    })
    expect(phases()).toEqual(['prepare', 'connect', 'precopy', 'final', 'handshake', 'settle'])
  })

  it('gives both ends one key, on stdin only', async () => {
    await start().result
    const [sender, receiver] = [lab.a.process('migrate')!, lab.b.process('receive')!]
    expect(sender.lines[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(receiver.lines).toEqual(sender.lines)
    expect([...sender.args, ...receiver.args].join(' ') + JSON.stringify(events)).not.toContain(sender.lines[0])
    await start({ source: lab.b.handle, target: lab.a.handle }).result
    expect(lab.b.process('migrate')!.lines[0]).not.toBe(sender.lines[0])
  })

  it('tells the agents what was asked for', async () => {
    await start({ settings: { mode: 'stock', encoder: null, level: null, cacheMiB: 0, link: 'plain', rateMbit: null, verify: false, scrub: false } }).result
    expect(lab.b.process('receive')!.args).toEqual(['receive', '--link', 'plain', '--bind', '10.77.0.2', '--guest', 'web'])
    expect(lab.a.process('migrate')!.args).toEqual([
      'migrate', '--domain', 'web', '--mode', 'stock', '--link', 'plain', '--to', '10.77.0.2:40001', '--owner', 'a test', '--no-verify', '--no-scrub',
    ])
    await start({ source: lab.b.handle, target: lab.a.handle }).result
    expect(lab.b.process('migrate')!.args).toEqual(expect.arrayContaining(['--encoder', 'rle', '--rate', '20']) as string[])
  })

  it('starts no receiver and sends no key over ssh, where SSH has done both', async () => {
    lab.a.scripts.set('migrate', (process) => {
      lab.move(lab.a, lab.b)
      process.say(...untilReady, ...afterReady, migrated()).finish()
    })
    const settings = { mode: 'me2', encoder: 'rle', level: null, cacheMiB: 0, link: 'ssh', rateMbit: null, verify: true, scrub: true } as const
    expect(await start({ settings, targetAddress: 'root@10.77.0.2' }).result).toMatchObject({ outcome: 'migrated' })
    expect(lab.b.started).toEqual([])
    expect(lab.a.process('migrate')!.lines).toEqual([])
    expect(lab.a.process('migrate')!.args).toEqual(expect.arrayContaining(['--to', 'root@10.77.0.2', '--remote-agent', '/run/me2/agent']) as string[])
  })
})

describe('a migration that fails before the guest is given away', () => {
  it('does not start the source when the target dies before it listens', async () => {
    lab.b.scripts.set('receive', process => process.say({ t: 'error', code: 'system', message: 'cannot bind', action: 'check the address' }).finish(1))
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'system', message: 'cannot bind' }, summary: 'web still runs on hosta, as before.' })
    expect(lab.a.process('migrate')).toBeUndefined()
  })

  it('does not wait for ever for a target that never listens', async () => {
    lab.b.scripts.set('receive', untilEnd)
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'link' } })
  })

  it('says so when the connection to the target is lost before it listens', async () => {
    lab.b.scripts.set('receive', process => process.on({ line: () => lab.b.cut(null) }))
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'connection-lost' } })
  })

  it('ends the target when the source cannot start', async () => {
    migrateDoes(process => process.say({ t: 'error', code: 'busy', message: 'this guest is being migrated already, by bob', action: 'wait' }).finish(1))
    let ended = false
    lab.b.scripts.set('receive', (process) => {
      listen(process)
      process.on({ end: () => {
        ended = true
        process.finish(1)
      } })
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'busy', action: 'wait' } })
    expect(ended).toBe(true)
  })

  it('passes on why xl failed', async () => {
    migrateDoes((process) => {
      lab.receiver(lab.b).say(received('destroyed')).finish(1)
      process.say(startMessage(), migrated({ outcome: 'failed', reason: 'xl-failed', message: 'xl ended with an error', downtimeMs: null, downtimeTransferMs: null })).finish(1)
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', downtimeMs: null, problem: { code: 'xl-failed', message: 'xl ended with an error' } })
  })

  it('tells what the target knows where the source only knows that it failed', async () => {
    const closed = { code: 'target-failed', message: 'the target closed the link', action: '' } as const
    migrateDoes((process) => {
      lab.receiver(lab.b).say({ t: 'error', code: 'system', message: 'cannot write: No space left on device', action: 'Make room there.' }, received('destroyed')).finish(1)
      process.say(startMessage(), { t: 'error', ...closed }, migrated({ outcome: 'failed', reason: 'target-failed', message: closed.message, downtimeMs: null, downtimeTransferMs: null })).finish(1)
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'system', action: 'Make room there.' } })
  })

  it('does not take the target\'s word that its link ended for the reason', async () => {
    migrateDoes((process) => {
      lab.receiver(lab.b).say({ t: 'error', code: 'link', message: 'the link ended', action: '' }, received('destroyed')).finish(1)
      process.say(startMessage(), { t: 'error', code: 'target-failed', message: 'the target closed the link', action: '' }).finish(1)
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'target-failed' } })
  })

  it('reports a target that destroyed its copy although it was ready', async () => {
    migrateDoes((process) => {
      lab.receiver(lab.b).say({ t: 'error', code: 'target-failed', message: 'no memory', action: '' }, received('destroyed')).finish(1)
      process.say(...untilReady, { t: 'goAhead', ns: 8 }, { t: 'unpaused', ns: 9, status: 1 }).finish(1)
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'target-failed', message: 'no memory' } })
  })

  it('stops an agent whose output makes no sense', async () => {
    let ended = false
    lab.a.scripts.set('migrate', process => process.on({
      line: () => process.say(startMessage()).babble(),
      end: () => {
        ended = true
        process.finish(1)
      },
    }))
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'agent-protocol' } })
    expect(ended).toBe(true)
  })
})

describe('a migration whose connection is lost', () => {
  it('reconnects and finds the guest at the source when that was before the go-ahead', async () => {
    migrateDoes((process) => {
      process.say(startMessage(), progressMessage())
      lab.a.cut(null)
      lab.receiver(lab.b).say(received('destroyed')).finish(1)
    })
    expect(await start().result).toMatchObject({ outcome: 'aborted', problem: { code: 'connection-lost', message: expect.stringContaining('hosta') as string } })
  })

  it('reconnects and finds the guest at the target when it was after', async () => {
    migrateDoes((process) => {
      process.say(...untilReady, { t: 'goAhead', ns: 8 })
      lab.a.cut(null)
      lab.move(lab.a, lab.b)
      lab.receiver(lab.b).say(received('running')).finish()
    })
    expect(await start().result).toMatchObject({ outcome: 'migrated', problem: { code: 'connection-lost' }, totalMs: null, linkBytes: 400 })
    expect(lab.a.connections).toBe(2)
  })

  it('keeps the figures when only the target\'s session was lost, and says so', async () => {
    migrateDoes((process) => {
      lab.b.cut(null)
      lab.move(lab.a, lab.b)
      process.say(...untilReady, ...afterReady, migrated()).finish()
    })
    expect(await start().result).toMatchObject({ outcome: 'migrated', totalMs: 12_000, problem: { code: 'connection-lost', message: expect.stringContaining('hostb') as string } })
  })

  it('says what is known when a host is gone for good, and claims no more', async () => {
    migrateDoes((process) => {
      process.say(...untilReady, { t: 'goAhead', ns: 8 })
      lab.a.cut('host-unreachable')
      lab.b.domains = [domain('web')]
      lab.receiver(lab.b).say(received('running')).finish()
    })
    const result = await start().result
    expect(result).toMatchObject({ outcome: 'unknown', where: [{ host: 'hostb', domain: 'web', state: 'running' }] })
    expect(result.summary).toContain('hosta could not be asked')
    expect(notes().filter(note => note.includes('attempt'))).toHaveLength(impatient.reconnectDelaysMs.length)
  })

  it('does not try again where only a human can help', async () => {
    migrateDoes((process) => {
      process.say(startMessage())
      lab.a.cut('host-key-changed')
    })
    expect(await start().result).toMatchObject({ outcome: 'unknown' })
    expect(notes().filter(note => note.includes('attempt'))).toHaveLength(1)
  })
})

describe('what both hosts say counts for more than what the agents say', () => {
  it('does not call it migrated when the guest runs on neither', async () => {
    migrateDoes((process) => {
      lab.a.domains = []
      lab.b.domains = [domain('web--incoming', 'paused')]
      lab.receiver(lab.b).say(received('failed')).finish(1)
      process.say(...untilReady, ...afterReady, migrated()).finish()
    })
    expect(await start().result).toMatchObject({ outcome: 'failed', problem: { code: 'state-unknown', action: expect.stringContaining('destroyed nothing') as string } })
  })

  it('waits for the source\'s copy to vanish', async () => {
    migrateDoes((process) => {
      lab.a.domains = [domain('web--migratedaway', 'suspended')]
      lab.b.domains = [domain('web')]
      setTimeout(() => lab.a.forget('web--migratedaway'), 5)
      lab.receiver(lab.b).say(received('running')).finish()
      process.say(...untilReady, ...afterReady, migrated()).finish()
    })
    expect(await start().result).toMatchObject({ outcome: 'migrated', leftovers: [] })
  })

  it('names what a run leaves behind, but not what was there before', async () => {
    lab.b.agents.set(10, ['receive', '--link', 'sealed'])
    migrateDoes((process) => {
      lab.b.agents.set(11, ['receive', '--link', 'sealed'])
      lab.b.agents.set(12, ['heartbeat', '--port', '7700'])
      lab.b.domains = [domain('web--incoming', 'paused')]
      process.say(migrated({ outcome: 'failed', reason: 'xl-failed' })).finish(1)
    })
    const { outcome, leftovers } = await start().result
    expect(outcome).toBe('aborted')
    expect(leftovers).toEqual(['web--incoming (paused) is still on hostb.', 'The agent\'s receive (process 11) still runs on hostb.'])
  })
})

describe('cancelling', () => {
  it('asks the source to stop while it still can', async () => {
    lab.a.scripts.set('migrate', process => process.on({ line: line => line === 'cancel' && lab.abort(lab.a, lab.b, process) }))
    const job = start({ onEvent: event => 'phase' in event && event.phase === 'connect' && setTimeout(() => expect(job.cancel()).toEqual({ accepted: true }), 10) })
    expect(await job.result).toMatchObject({ outcome: 'aborted', problem: { code: 'cancelled', message: 'The migration was cancelled.' } })
    expect(lab.a.process('migrate')!.lines).toContain('cancel')
  })

  it('does not even start the source when it comes early', async () => {
    const job = start()
    expect(job.cancel()).toEqual({ accepted: true })
    expect(await job.result).toMatchObject({ outcome: 'aborted', problem: { code: 'cancelled' } })
    expect(lab.a.process('migrate')).toBeUndefined()
  })

  it('is refused past the point of no return, with the reason', async () => {
    migrateDoes((process) => {
      process.say(...untilReady, { t: 'goAhead', ns: 8 })
      setTimeout(() => lab.succeed(lab.a, lab.b, process), 20)
    })
    const answers: unknown[] = []
    const job = start({ onEvent: event => 'message' in event && event.message.t === 'goAhead' && answers.push(job.cancel()) })
    expect(await job.result).toMatchObject({ outcome: 'migrated', problem: null })
    expect(answers[0]).toEqual({ accepted: false, reason: expect.stringContaining('point of no return') as string })
    expect(job.cancel()).toMatchObject({ accepted: false })
    expect(lab.a.process('migrate')!.lines).not.toContain('cancel')
  })
})

describe('the guest\'s heartbeat', () => {
  const heartbeat = { port: 7701, address: '10.77.0.12' }
  const summary = { t: 'heartbeatSummary', received: 50, lost: 90, bad: 0, checked: 400, largestGapMs: 950, gapStartNs: 1, gapEndNs: 2 } as const

  it('is heard on both hosts, and summed up at the end', async () => {
    lab.a.scripts.set('heartbeat', process => process.say(heartbeatMessage()).on({ end: () => process.say(summary).finish() }))
    lab.b.scripts.set('heartbeat', process => process.say(heartbeatMessage()).on({ end: () => process.say({ ...summary, largestGapMs: 960 }).finish() }))
    expect(await start({ heartbeat }).result).toMatchObject({ heartbeatGapMs: 950, heartbeatGapTargetMs: 960, heartbeatsLost: 90, guestBad: 0, guestCheckedAfter: 300 })
    expect(lab.a.process('heartbeat')!.args).toEqual(['heartbeat', '--port', '7701', '--from', '10.77.0.12'])
    expect(phases()).toContain('watch')
  })

  it('tells of pages that the guest found damaged, although it runs', async () => {
    lab.b.scripts.set('heartbeat', process => process.say(heartbeatMessage({ bad: 2 })).on({ end: () => process.finish() }))
    expect(await start({ heartbeat }).result).toMatchObject({ outcome: 'migrated', guestBad: 2, problem: { code: 'stream', message: expect.stringContaining('2 pages') as string } })
  })

  it('does not stop a migration when it cannot be heard', async () => {
    lab.a.scripts.set('heartbeat', process => process.say({ t: 'error', code: 'system', message: 'port in use', action: '' }).finish(1))
    expect(await start({ heartbeat }).result).toMatchObject({ outcome: 'migrated', problem: null, heartbeatGapMs: null })
  })
})

it('reports pages that differ after a migration as a problem of that run', async () => {
  migrateDoes(process => lab.succeed(lab.a, lab.b, process, [...afterReady.slice(0, 2), { t: 'verify', compared: 60, differing: 1, ioBuffers: 0, pageTables: 0, skipped: 0, frames: [9] }]))
  expect(await start().result).toMatchObject({ outcome: 'migrated', problem: { code: 'stream', message: expect.stringContaining('1 of 60') as string } })
})
