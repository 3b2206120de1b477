import type { RaceEvent, RaceRequest } from '../../../electron/services/migration/race.ts'
import type { RunStore } from '../../../electron/services/runs/runStore.ts'
import type { Leg, RacePlan } from '../../../shared/model/raceOrder.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRace } from '../../../electron/services/migration/race.ts'
import { createRunStore } from '../../../electron/services/runs/runStore.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { raceLegs } from '../../../shared/model/raceOrder.ts'
import { sweepLegs } from '../../../shared/model/sweep.ts'
import { domain, migrated, received } from '../model/messages.ts'
import { FakeLab, impatient } from './fakeLab.ts'

let folder: string
let runs: RunStore
let lab: FakeLab
let events: RaceEvent[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-race-'))
  runs = createRunStore(folder)
  lab = new FakeLab()
  events = []
})

afterEach(async () => rm(folder, { recursive: true }))

function legsOf(change: Partial<RacePlan> = {}): Leg[] {
  return raceLegs({ modes: ['stock', 'me2'], repeats: 2, encoding: presets.paper, rateMbit: 20, ...change })
}

function start(change: Partial<RaceRequest> = {}) {
  return startRace({
    home: lab.a.handle, away: lab.b.handle, guest: 'web', kind: 'race', legs: legsOf(), link: 'sealed',
    verify: true, scrub: true, settleMs: 1, force: false, lab: 'boxed', addresses: { hosta: '10.77.0.1', hostb: '10.77.0.2' },
    workload: { profile: 'web' }, withDisk: null, heartbeat: null, owner: 'a test', runs, timing: impatient, onEvent: event => events.push(event), ...change,
  })
}

const kinds = () => events.map(event => event.kind).filter(kind => kind !== 'run')

describe('a race', () => {
  it('goes there and back, in turned order, and saves every run', async () => {
    const result = await start().result
    expect(result).toMatchObject({ problem: null, runs: [
      { settings: { mode: 'stock', encoder: null }, from: { name: 'hosta' }, to: { name: 'hostb' }, race: { index: 0, runs: 4 } },
      { settings: { mode: 'me2', encoder: 'rle' }, from: { name: 'hostb' }, to: { name: 'hosta' } },
      { settings: { mode: 'me2' }, from: { name: 'hosta' } },
      { settings: { mode: 'stock' }, from: { name: 'hostb' } },
    ] })
    for (const run of result.runs)
      expect(await runs.read(run.id)).toEqual(run)
    expect(raceDocument(result).fairness.filter(item => !item.same)).toEqual([])
  })

  it('checks each direction once, before its first run', async () => {
    await start().result
    expect(kinds()).toEqual(['precheck', 'settling', 'runStarted', 'runEnded', 'precheck', 'settling', 'runStarted', 'runEnded', 'settling', 'runStarted', 'runEnded', 'settling', 'runStarted', 'runEnded'])
  })

  it('does not start where the pre-check stops it', async () => {
    lab.b.domains = [domain('web--incoming', 'paused')]
    const result = await start().result
    expect(result).toMatchObject({ runs: [], problem: { code: 'precheck-failed', message: expect.stringContaining('web--incoming') as string } })
    expect(lab.a.process('migrate')).toBeUndefined()
  })

  it('may be forced past what xl itself would refuse', async () => {
    lab.b.probe.freeBytes = 1
    expect(await start().result).toMatchObject({ problem: { code: 'precheck-failed' } })
    expect(await start({ force: true, legs: legsOf({ modes: ['me2'], repeats: 1 }) }).result).toMatchObject({ problem: null, runs: [{ result: { outcome: 'migrated' } }] })
  })

  it('ends after a run that failed, and keeps what was measured', async () => {
    lab.b.scripts.set('migrate', process => process.on({ line: () => {
      lab.receiver(lab.a).say(received('destroyed')).finish(1)
      process.say(migrated({ outcome: 'failed', reason: 'link-stalled', message: 'no sign of life' })).finish(1)
    } }))
    const result = await start().result
    expect(result.runs.map(run => run.result.outcome)).toEqual(['migrated', 'aborted'])
    expect(result.problem).toMatchObject({ code: 'link-stalled' })
    expect(raceDocument(result)).toMatchObject({ error: { code: 'link-stalled' }, ratio: { data: null } })
    expect(await runs.list()).toHaveLength(2)
  })

  it('reports a host that cannot be reached at all', async () => {
    lab.b.refusal = 'host-unreachable'
    expect(await start().result).toMatchObject({ runs: [], problem: { code: 'host-unreachable' } })
  })
})

describe('a race with the guest\'s disk', () => {
  const row = (device: string) => `xvda\tw\t/local/domain/0/backend/vbd/1/51712\t/srv/web.img\t${device}\t2147483648`

  beforeEach(() => {
    for (const [host, other, device] of [[lab.a, lab.b, '/dev/loop0'], [lab.b, lab.a, '/dev/loop7']] as const) {
      host.disks = row(device)
      host.guestConfig = { config: { disks: [{ pdev_path: '/srv/web.img' }], nics: [{ bridge: 'xenbr0' }] } }
      host.files.add('/srv/web.img')
      host.scripts.set('disk-receive', process => process.on({
        line: () => process.say({ t: 'listening', address: process.option('--bind')!, port: 40_002 }),
        end: () => process.finish(),
      }))
      host.scripts.set('migrate', process => process.on({ line: () => process.lines.length === 2 && lab.succeed(host, other, process) }))
    }
  })

  it('takes it along each time, and overwrites at most what the race itself left behind', async () => {
    const { runs: [first, second] } = await start({ withDisk: { overwrite: false }, legs: legsOf({ repeats: 1 }) }).result
    expect([first, second].map(run => run!.settings.withDisk)).toEqual([true, true])
    const [there, back] = [lab.a, lab.b].map(host => host.process('migrate')!)
    expect([there!.option('--disk'), back!.option('--disk')]).toEqual(['/dev/loop0', '/dev/loop7'])
    expect(there!.option('--disk-to')).toBe('10.77.0.2:40002')
    const [atTarget, atHome] = [lab.b, lab.a].map(host => host.process('disk-receive')!)
    expect(atTarget!.args).toEqual(['disk-receive', '--link', 'sealed', '--bind', '10.77.0.2', '--path', '/srv/web.img', '--bytes', '2147483648'])
    expect(atHome!.args).toContain('--overwrite')
  })

  it('gives each link a key of its own', async () => {
    await start({ withDisk: { overwrite: true }, legs: legsOf({ modes: ['me2'], repeats: 1 }) }).result
    const [key, diskKey] = lab.a.process('migrate')!.lines
    expect([key, diskKey]).toEqual([lab.receiver(lab.b).lines[0], lab.b.process('disk-receive')!.lines[0]])
    expect(key).not.toBe(diskKey)
  })

  it('tells what is wrong with the disk before the guest is touched', async () => {
    lab.a.disks = `${row('/dev/loop0')}\n${row('/dev/loop1').replace('xvda', 'xvdb')}`
    const result = await start({ withDisk: { overwrite: false } }).result
    expect(result).toMatchObject({ runs: [], problem: { code: 'guest-state', message: expect.stringContaining('2 disks') as string } })
    expect(lab.a.process('migrate')).toBeUndefined()
  })
})

describe('a sweep', () => {
  const legs = sweepLegs([20, 100], [presets.paper])

  it('goes over rates and encoders, each direction checked once, and saves its runs as those of one sweep', async () => {
    const result = await start({ kind: 'sweep', legs }).result
    expect(result.runs.map(({ from, settings: { mode, rateMbit } }) => [from.name, mode, rateMbit])).toEqual([
      ['hosta', 'stock', 20],
      ['hostb', 'me2', 20],
      ['hosta', 'me2', 100],
      ['hostb', 'stock', 100],
    ])
    expect(kinds().filter(kind => kind === 'precheck')).toHaveLength(2)
    expect(result.runs.every(({ race }) => race?.id === result.id && race.kind === 'sweep' && race.runs === 4)).toBe(true)
    expect(lab.a.started.filter(({ command }) => command === 'migrate').map(process => process.option('--rate'))).toEqual(['20', '100'])
  })

  it('goes on without a run that was undone, from where the guest is', async () => {
    let runsFromB = 0
    const succeed = lab.b.scripts.get('migrate')!
    lab.b.scripts.set('migrate', process => runsFromB++ === 0
      ? process.on({ line: () => lab.abort(lab.b, lab.a, process) })
      : succeed(process))
    const result = await start({ kind: 'sweep', legs }).result
    expect(result.problem).toBeNull()
    expect(result.runs.map(({ from, result: { outcome } }) => [from.name, outcome])).toEqual([
      ['hosta', 'migrated'],
      ['hostb', 'aborted'],
      ['hostb', 'migrated'],
      ['hosta', 'migrated'],
    ])
  })

  it('ends where the guest\'s memory is not what it was', async () => {
    lab.b.scripts.set('migrate', process => process.on({ line: () => lab.succeed(lab.b, lab.a, process, [
      { t: 'goAhead', ns: 8 },
      { t: 'unpaused', ns: 9, status: 0 },
      { t: 'verify', compared: 60, differing: 2, ioBuffers: 0, pageTables: 0, skipped: 40, frames: [] },
    ]) }))
    const result = await start({ kind: 'sweep', legs }).result
    expect(result).toMatchObject({ runs: [{}, { result: { outcome: 'migrated' } }], problem: { code: 'stream' } })
  })

  it('ends where nobody knows where the guest is', async () => {
    lab.b.scripts.set('migrate', process => process.on({ line: () => lab.b.cut('host-unreachable') }))
    const result = await start({ kind: 'sweep', legs }).result
    expect(result.runs).toHaveLength(2)
    expect(result.problem).not.toBeNull()
  })

  it('ends when it is cancelled, with the runs it has', async () => {
    const job = start({ kind: 'sweep', legs, onEvent: event => event.kind === 'runEnded' && job.cancel() })
    expect(await job.result).toMatchObject({ runs: [{ result: { outcome: 'migrated' } }], problem: { code: 'cancelled' } })
  })
})

describe('cancelling a race', () => {
  it('lets the run under way end if it must, and starts no other', async () => {
    const answers: unknown[] = []
    const job = start({ onEvent: (event) => {
      if (event.kind === 'run' && 'message' in event.event && event.event.message.t === 'goAhead' && answers.length === 0)
        answers.push(job.cancel())
    } })
    const result = await job.result
    expect(answers).toMatchObject([{ accepted: false }])
    expect(result).toMatchObject({ problem: { code: 'cancelled' }, runs: [{ result: { outcome: 'migrated' } }] })
  })

  it('does not wait out the pause between runs', async () => {
    const job = start({ settleMs: 3_600_000, onEvent: event => event.kind === 'settling' && job.cancel() })
    expect(await job.result).toMatchObject({ runs: [], problem: { code: 'cancelled' } })
  })
})
