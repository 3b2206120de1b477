import type { HostAgent } from '../../../electron/services/agent/types.ts'
/** Hosts and races as the console serves them, on two scripted hosts. */
import type { HostConnection, SshTarget } from '../../../electron/services/ssh/types.ts'
import type { RaceMessage, RaceRequestView } from '../../../shared/contract/races.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostRegistry } from '../../../electron/services/hosts/hostRegistry.ts'
import { openHostStore } from '../../../electron/services/hosts/hostStore.ts'
import { RaceDesk } from '../../../electron/services/migration/raceDesk.ts'
import { createRunStore } from '../../../electron/services/runs/runStore.ts'
import { untilEnd } from '../migration/fakeHost.ts'
import { FakeLab, impatient } from '../migration/fakeLab.ts'

let folder: string
let lab: FakeLab
let hosts: HostRegistry
let desk: RaceDesk

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-desk-'))
  lab = new FakeLab()
  const agents = new Map<HostConnection, HostAgent>()
  for (const host of [lab.a, lab.b])
    host.scripts.set('load', untilEnd)
  hosts = new HostRegistry({
    store: openHostStore(join(folder, 'hosts.json')),
    resolveTarget: address => ({ host: address, port: 22, user: 'root' }),
    connect: async ({ host }: SshTarget) => {
      const { connection, agent } = await (host === 'hosta' ? lab.a : lab.b).open()
      agents.set(connection, agent)
      return connection
    },
    deploy: async connection => agents.get(connection)!,
    removeAgent: async () => [],
    requestMs: 1000,
  })
  await hosts.add('hosta', 'hosta')
  await hosts.add('hostb', 'hostb')
  desk = new RaceDesk({ hosts, runs: createRunStore(join(folder, 'runs')), timing: impatient, owner: 'a test', onRun: () => {} })
})

afterEach(async () => {
  await desk.ended()
  await hosts.close()
  await rm(folder, { recursive: true })
})

const request: RaceRequestView = {
  guest: 'web', from: 'hosta', to: 'hostb', modes: ['stock', 'me2'], repeats: 1, encoder: 'rle', level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20,
  verify: true, scrub: true, settleMs: 1, force: false, withDisk: null, twin: null,
}

async function hearAll(): Promise<RaceMessage[]> {
  const heard: RaceMessage[] = []
  for await (const batch of desk.watch()) {
    heard.push(...batch)
    if (heard.at(-1)?.kind === 'ended')
      return heard
  }
  return heard
}

describe('a race at the desk', () => {
  it('is heard from its start to its end, by those who come late as well', async () => {
    const id = desk.start(request)
    const heard = await hearAll()
    expect(heard[0]).toMatchObject({ kind: 'started', id, runs: 2 })
    expect(heard.filter(({ kind }) => kind === 'runEnded')).toHaveLength(2)
    const late = await hearAll()
    expect(late.map(({ kind }) => kind).filter(kind => kind !== 'run')).toEqual(heard.map(({ kind }) => kind).filter(kind => kind !== 'run'))
  })

  it('is one at a time, and holds its hosts', async () => {
    desk.start(request)
    expect(() => desk.start(request)).toThrow(/under way/)
    await expect(hosts.probe('hosta')).rejects.toThrow(/under way/)
    await expect(hosts.remove('hostb')).rejects.toThrow(/under way/)
    desk.cancel()
    await desk.ended()
    await hearAll()
    await hosts.probe('hosta')
    expect(hosts.hosts.value[0]!.state).toBe('ready')
  })

  it('gives runs of its own id to every run', async () => {
    const id = desk.start(request)
    const heard = await hearAll()
    for (const message of heard) {
      if (message.kind === 'runEnded')
        expect(message.run.race?.id).toBe(id)
    }
    const started = heard.flatMap(message => message.kind === 'runStarted' ? [message.run.id] : [])
    expect(new Set(heard.flatMap(message => message.kind === 'run' ? [message.id] : []))).toEqual(new Set(started))
  })

  it('refuses a race from a host to itself, and one on a host nobody knows', () => {
    expect(() => desk.start({ ...request, to: 'hosta' })).toThrow(/on/)
    expect(() => desk.start({ ...request, to: 'other' })).toThrow(/no host/)
  })
})

describe('twins', () => {
  it('are two guests, each in a mode of its own', async () => {
    expect(() => desk.start({ ...request, twin: 'web' })).toThrow(/own twin/)
    desk.start({ ...request, twin: 'db', repeats: 2 })
    expect((await hearAll())[0]).toMatchObject({ kind: 'started', runs: 4 })
  })
})

describe('the hosts', () => {
  it('are asked once when two windows ask at a time', async () => {
    await Promise.all([hosts.probe('hosta'), hosts.probe('hosta')])
    expect(lab.a.connections).toBe(1)
  })

  it('leave no connection behind when one is removed while it is looked at', async () => {
    const probing = hosts.probe('hosta')
    await hosts.remove('hosta')
    await probing
    expect(hosts.hosts.value.map(({ name }) => name)).toEqual(['hostb'])
    expect(lab.a.isConnected).toBe(false)
  })

  it('that are not connected are not connected for who only watches', () => {
    expect(() => hosts.connectedHost('hosta')).toThrow(/not connected/)
  })

  it('tell what a probe found, with their guests and agent', async () => {
    await hosts.probe('hosta')
    expect(hosts.hosts.value[0]).toMatchObject({ name: 'hosta', state: 'ready', facts: { xen: '4.17.7' }, guests: [{ name: 'web', workload: null }] })
    expect(hosts.hosts.value[0]!.agent).toContain('0.1.0')
  })

  it('tell why one cannot be reached', async () => {
    lab.a.refusal = 'auth-failed'
    await hosts.probe('hosta')
    expect(hosts.hosts.value[0]).toMatchObject({ state: 'problem', problem: { code: 'auth-failed' }, guests: [] })
  })

  it('have names of their own, also after an edit', async () => {
    await expect(hosts.add('hosta', 'x')).rejects.toThrow(/already/)
    await expect(hosts.edit('hosta', 'hostb', 'x')).rejects.toThrow(/already/)
    await hosts.edit('hosta', 'first', 'hosta')
    expect(hosts.hosts.value.map(({ name }) => name)).toEqual(['hostb', 'first'])
  })
})
