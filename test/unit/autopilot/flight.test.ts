/** The autopilot with real parts but for the hosts: what it sees, what it begins, and what makes it stop. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRunStore } from '../../../electron/services/runs/runStore.ts'
import { policySchema } from '../../../shared/model/autopilot/policy.ts'
import { untilEnd } from '../migration/fakeHost.ts'
import { domain, migrated } from '../model/messages.ts'
import { FakeCluster, samplesToWarmUp, settle } from './fakeCluster.ts'

let folder: string
let cluster: FakeCluster

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] })
  folder = await mkdtemp(join(tmpdir(), 'me2-flight-'))
  cluster = new FakeCluster(createRunStore(folder))
})

afterEach(async () => {
  void cluster.autopilot.stop()
  await untilOff()
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

/** The pre-check before a migration takes real time. */
async function migrations(expected: number): Promise<unknown[]> {
  for (let i = 0; i < 200 && cluster.migrations.length < expected; i++)
    await settle(10)
  return cluster.migrations
}

/** It waits for what it began, which waits on real time as well. */
async function untilOff(): Promise<void> {
  for (let i = 0; i < 100 && cluster.autopilot.isOn; i++) {
    await vi.advanceTimersByTimeAsync(1000)
    await settle(10)
  }
}

const warm = samplesToWarmUp + 2

/** What a migration does to the loads. */
function webIsAway(): void {
  cluster.usage = { hosta: { dom0: 0.1, guests: { db: 0.8 } }, hostb: { dom0: 0.1, guests: { web: 0.8 } } }
}

describe('an autopilot', () => {
  it('only says what should be done where it advises', async () => {
    await cluster.start({ mode: 'advise' })
    await cluster.pass(warm + 4)
    expect(cluster.autopilot.view.value).toMatchObject({ state: 'watching', plan: { scenario: 'balance', host: 'hosta', steps: [{ kind: 'move', move: { guest: 'web', to: 'hostb' } }] } })
    expect(cluster.kinds).toEqual(['started', 'decided'])
    expect(cluster.migrations).toHaveLength(0)
  })

  it('holds no host where it only advises, and all of them where it acts', async () => {
    await cluster.start({ mode: 'advise' })
    expect(cluster.lab.a.process('hold')).toBeUndefined()
    await cluster.autopilot.stop()
    await cluster.start()
    expect(cluster.hosts.map(host => host.process('hold')?.option('--owner'))).toEqual(['a test', 'a test'])
  })

  it('moves the guest, and holds what it took against what was predicted', async () => {
    await cluster.start()
    await cluster.pass(warm)
    webIsAway()
    await cluster.pass(3)
    expect(await migrations(1)).toHaveLength(1)
    expect(cluster.kinds.slice(0, 4)).toEqual(['started', 'decided', 'moving', 'moved'])
    expect(cluster.audit.entries[3]).toMatchObject({ outcome: 'migrated', move: { guest: 'web', cost: { bytes: expect.any(Number) as number } }, cost: { bytes: expect.any(Number) as number, ms: expect.any(Number) as number } })
    await cluster.pass(30)
    expect(cluster.migrations, 'it does not come back').toHaveLength(1)
    const { loads } = cluster.autopilot.view.value.hosts[0]!
    expect(loads.filter(share => share !== null && share > 0.8).length, 'what was seen stays as it was seen').toBeGreaterThan(4)
    expect(loads.at(-1)).toBeCloseTo(0.45)
  })

  it('does all of that but for the moves in a dry run', async () => {
    await cluster.start({ dryRun: true })
    await cluster.pass(warm + 4)
    expect(cluster.kinds).toEqual(['started', 'decided'])
    expect(cluster.migrations).toHaveLength(0)
  })

  it('asks, and moves once that is approved', async () => {
    await cluster.start({ mode: 'ask' })
    await cluster.pass(warm)
    const { proposal } = cluster.autopilot.view.value
    await cluster.pass(2)
    expect(cluster.autopilot.view.value.proposal, 'it stays the same proposal').toBe(proposal)
    expect(cluster.migrations).toHaveLength(0)
    expect(() => cluster.autopilot.approve('another')).toThrow('no longer')
    cluster.autopilot.approve(proposal!)
    await cluster.pass(1)
    expect(await migrations(1)).toHaveLength(1)
    expect(() => cluster.autopilot.approve(proposal!)).toThrow('no longer')
  })

  it('does not ask the same again for a while after it was dismissed', async () => {
    await cluster.start({ mode: 'ask' })
    await cluster.pass(warm)
    cluster.autopilot.dismiss(cluster.autopilot.view.value.proposal!)
    await cluster.pass(30)
    expect(cluster.autopilot.view.value.proposal).toBeNull()
    await cluster.pass(32)
    expect(cluster.autopilot.view.value.proposal).not.toBeNull()
  })

  it('leaves a guest alone that the pre-check refuses, and goes on', async () => {
    cluster.lab.b.domains = [domain('web--incoming', 'paused')]
    await cluster.start()
    await cluster.pass(warm + 10)
    expect(cluster.audit.entries.find(({ kind }) => kind === 'moved')).toMatchObject({ outcome: 'refused', summary: expect.stringContaining('web--incoming') as string })
    expect(cluster.kinds.filter(kind => kind === 'moving')).toHaveLength(1)
    const { state, hosts } = cluster.autopilot.view.value
    expect(state).toBe('watching')
    expect(hosts[0]!.guests.find(({ name }) => name === 'web')).toMatchObject({ held: 'excluded', note: expect.stringContaining('web--incoming') as string })
  })

  it('begins nothing while somebody else migrates', async () => {
    cluster.isBusy = true
    await cluster.start()
    await cluster.pass(warm + 4)
    expect(cluster.migrations).toHaveLength(0)
    cluster.isBusy = false
    await cluster.pass(2)
    expect(await migrations(1)).toHaveLength(1)
  })

  it('gives up what it could not begin for a minute, and decides anew', async () => {
    await cluster.start({ mode: 'ask' })
    await cluster.pass(warm)
    cluster.isBusy = true
    cluster.autopilot.approve(cluster.autopilot.view.value.proposal!)
    await cluster.pass(10)
    expect(cluster.autopilot.view.value.queue).toHaveLength(1)
    await cluster.pass(4)
    expect(cluster.autopilot.view.value.queue).toHaveLength(0)
    expect(cluster.kinds).toContain('overtaken')
    cluster.isBusy = false
    await cluster.pass(1)
    expect(cluster.autopilot.view.value.proposal).not.toBeNull()
    expect(cluster.migrations).toHaveLength(0)
  })

  it('looks into each guest once for what is in use, and once for how fast it writes, found or not', async () => {
    await cluster.start({ mode: 'advise' })
    await cluster.pass(30)
    expect(cluster.lab.a.mapped).toEqual(['web', 'db', 'web --every 1000 --written', 'db --every 1000 --written'])
    expect(cluster.autopilot.view.value.hosts[0]!.guests).toMatchObject([{ name: 'web', usedMiB: 4096 / 2 ** 20, dirtyMiBPerSecond: null }, { name: 'db', usedMiB: 4096 / 2 ** 20 }])
    await cluster.pass(100)
    expect(cluster.lab.a.mapped.slice(4), 'and again after ten minutes').toEqual(['web --every 1000 --written', 'db --every 1000 --written'])
  })

  it('has its hosts from the moment it starts until it is off; a start that is refused changes nothing', async () => {
    expect(cluster.autopilot.hosts).toEqual([])
    const starting = cluster.start()
    expect(cluster.autopilot.hosts).toEqual(['hosta', 'hostb'])
    await expect(cluster.autopilot.start({ hosts: [], mode: 'auto', dryRun: false })).rejects.toMatchObject({ code: 'busy' })
    expect(cluster.autopilot.hosts).toEqual(['hosta', 'hostb'])
    await starting
    await cluster.autopilot.stop()
    expect(cluster.autopilot.hosts).toEqual([])
  })

  it('needs two hosts', async () => {
    await expect(cluster.autopilot.start({ hosts: [], mode: 'auto', dryRun: false })).rejects.toMatchObject({ code: 'usage' })
    expect(cluster.autopilot.isOn).toBe(false)
  })
})

describe('when something is wrong', () => {
  it('does not start where another autopilot has a host', async () => {
    cluster.lab.b.scripts.set('hold', process => process.say({ t: 'error', code: 'busy', message: 'this host has an autopilot already, that of alice', action: '' }).finish(1))
    await expect(cluster.start()).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('alice') as string })
    expect(cluster.autopilot.view.value).toMatchObject({ state: 'off', problem: { code: 'busy' } })
  })

  it('leaves nothing behind when it is stopped while it starts', async () => {
    cluster.lab.b.scripts.set('hold', untilEnd)
    const starting = cluster.start().catch((error: unknown) => error)
    await settle()
    void cluster.autopilot.stop()
    const hold = cluster.lab.b.process('hold')!
    hold.say({ t: 'held' })
    await untilOff()
    expect(await starting).toMatchObject({ code: 'cancelled' })
    expect(await hold.exit, 'its lock is let go of').toMatchObject({ code: 0 })
    await cluster.pass(warm + 2)
    expect(cluster.autopilot.view.value.state).toBe('off')
    expect(cluster.kinds).toEqual(['started', 'stopped'])
    expect(cluster.migrations).toHaveLength(0)
  })

  it('takes a lock again that was lost with its connection, and stops if another was quicker', async () => {
    await cluster.start()
    cluster.lab.b.process('hold')!.lose()
    await cluster.pass(3)
    expect(cluster.lab.b.started.filter(({ command }) => command === 'hold')).toHaveLength(2)
    expect(cluster.autopilot.view.value.state).toBe('watching')
    cluster.lab.b.scripts.set('hold', process => process.say({ t: 'error', code: 'busy', message: 'this host has an autopilot already', action: '' }).finish(1))
    cluster.lab.b.started.findLast(({ command }) => command === 'hold')!.lose()
    await cluster.pass(3)
    expect(cluster.autopilot.view.value).toMatchObject({ state: 'off', problem: { code: 'busy' } })
  })

  it('moves nothing to or from a host that is not heard', async () => {
    await cluster.start()
    await cluster.pass(4)
    cluster.silent.add('hostb')
    await cluster.pass(20)
    expect(cluster.migrations).toHaveLength(0)
    cluster.silent.clear()
    await cluster.pass(3)
    expect(await migrations(1)).toHaveLength(1)
  })

  it('starts the agent again that was killed', async () => {
    await cluster.start()
    await cluster.pass(2)
    cluster.lab.a.process('load')!.finish(137)
    await cluster.pass(warm + 2)
    expect(cluster.lab.a.started.filter(({ command }) => command === 'load')).toHaveLength(2)
    expect(await migrations(1)).toHaveLength(1)
  })

  it('does nothing on what it saw before a long silence', async () => {
    await cluster.start()
    await cluster.pass(samplesToWarmUp - 3)
    cluster.silent.add('hosta').add('hostb')
    await cluster.pass(120)
    cluster.silent.clear()
    await cluster.pass(2)
    expect(cluster.autopilot.view.value.plan?.scenario).toBe('waiting')
    expect(cluster.migrations).toHaveLength(0)
    await cluster.pass(3)
    expect(await migrations(1)).toHaveLength(1)
  })

  it('stops when a host is lost in the middle of a move, and says what is not known', async () => {
    cluster.lab.a.scripts.set('migrate', untilEnd)
    await cluster.start()
    await cluster.pass(warm)
    expect(await migrations(1)).toHaveLength(1)
    cluster.lab.b.cut('host-unreachable')
    cluster.lab.a.process('migrate')!.say(migrated({ outcome: 'failed', reason: 'link-stalled', message: 'no sign of life' })).finish(1)
    await untilOff()
    expect(cluster.autopilot.view.value).toMatchObject({ state: 'off', problem: { message: expect.stringContaining('web was to be moved from hosta to hostb') as string } })
    expect(cluster.audit.entries.at(-1)).toMatchObject({ kind: 'stopped', problem: { code: 'state-unknown' } })
  })

  it('stops when a host cannot be asked before a move, and does not hold that against the guest', async () => {
    cluster.isBusy = true
    await cluster.start()
    await cluster.pass(warm)
    cluster.lab.b.cut('host-unreachable')
    cluster.isBusy = false
    await cluster.pass(1)
    await untilOff()
    expect(cluster.audit.entries.slice(-2)).toMatchObject([{ kind: 'moved', outcome: 'aborted', run: null }, { kind: 'stopped', problem: { message: expect.stringContaining('hostb does not answer') as string } }])
    expect(cluster.migrations).toHaveLength(0)
  })

  it('cancels a move that can still be cancelled when it is stopped', async () => {
    cluster.lab.a.scripts.set('migrate', process => process.on({ line: line => line === 'cancel' && cluster.lab.abort(cluster.lab.a, cluster.lab.b, process) }))
    await cluster.start()
    await cluster.pass(warm)
    void cluster.autopilot.stop()
    await untilOff()
    expect(cluster.audit.entries.slice(-2)).toMatchObject([{ kind: 'moved', outcome: 'aborted' }, { kind: 'stopped' }])
    expect(cluster.autopilot.isOn).toBe(false)
  })
})

describe('power saving', () => {
  beforeEach(() => {
    cluster.policy = policySchema.parse({ warmUp: samplesToWarmUp, savesPower: true, packsAfterS: 30 })
    cluster.usage = { hosta: { dom0: 0.1, guests: { web: 0.1, db: 0.1 } }, hostb: { dom0: 0.1, guests: {} } }
  })

  it('puts a host to standby that has no guests, and wakes it when the others get full', async () => {
    await cluster.start()
    await cluster.pass(warm + 10)
    expect(cluster.switched).toEqual(['hostb off'])
    expect(cluster.autopilot.view.value.hosts[1]).toMatchObject({ name: 'hostb', power: 'standby' })
    cluster.silent.add('hostb')
    cluster.usage.hosta!.guests = { web: 0.8, db: 0.8 }
    await cluster.pass(6)
    expect(cluster.switched).toEqual(['hostb off', 'hostb on'])
    expect(cluster.autopilot.view.value.hosts[1]).toMatchObject({ power: 'waking' })
    cluster.silent.clear()
    await cluster.pass(2)
    expect(cluster.autopilot.view.value.hosts[1]).toMatchObject({ power: 'on' })
    expect(cluster.kinds).toContain('switched')
  })

  it('wakes one that stood by before it was started', async () => {
    cluster.usage.hosta!.guests = { web: 0.8, db: 0.8 }
    cluster.resting.add('hostb')
    cluster.silent.add('hostb')
    await cluster.start()
    expect(cluster.lab.b.connections).toBe(0)
    await cluster.pass(warm)
    expect(cluster.switched).toEqual(['hostb on'])
    cluster.silent.clear()
    await cluster.pass(3)
    expect(cluster.autopilot.view.value.hosts[1]).toMatchObject({ power: 'on' })
    expect(cluster.lab.b.process('hold'), 'and takes its lock then').toBeDefined()
  })

  it('switches nothing off where a guest has come since', async () => {
    cluster.lab.b.domains = [domain('new')]
    await cluster.start()
    await cluster.pass(warm + 10)
    await untilOff()
    expect(cluster.switched).toEqual([])
    expect(cluster.autopilot.view.value).toMatchObject({ state: 'off', problem: { code: 'power-failed', message: expect.stringContaining('new') as string } })
  })
})
