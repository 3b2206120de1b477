/** The parts of the autopilot at the edge of the world: state from samples, power, the audit log; and what a migration teaches. */
import type { HeardHost } from '../../../electron/services/autopilot/clusterState.ts'
import type { HostSample } from '../../../electron/services/autopilot/hostSampler.ts'
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditLog } from '../../../electron/services/autopilot/auditLog.ts'
import { clusterState } from '../../../electron/services/autopilot/clusterState.ts'
import { powerByProgram } from '../../../electron/services/autopilot/hostPower.ts'
import { calibrated } from '../../../shared/model/autopilot/calibration.ts'
import { freeMiB, loadOf } from '../../../shared/model/autopilot/cluster.ts'
import { migrationCost, usualLink } from '../../../shared/model/autopilot/migrationCost.ts'

const mebibyte = 1024 ** 2
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-autopilot-'))
})

afterEach(async () => rm(folder, { recursive: true, force: true }))

function sample(host: string, cpuShare: number, guests: Record<string, number>): HostSample {
  const domains = Object.entries({ 'Domain-0': 0.1, ...guests }).map(([name, share], domid) => ({ domid, name, cpuShare: share, memoryBytes: 256 * mebibyte }))
  return { atMs: 0, cpus: 2, freeBytes: 500 * mebibyte, load: { host, ms: 0, cpuShare, usedBytes: 0, totalBytes: 0, receivedBytesPerSecond: 0, sentBytesPerSecond: 0, domains } }
}

function heard(name: string, cpuShare: number, guests: Record<string, number>): HeardHost {
  return { name, power: 'on', sample: sample(name, cpuShare, guests), before: null }
}

const nowhere = new Map<string, string>()

describe('the state of a cluster', () => {
  it('counts what is no guest\'s as dom0\'s, and dom0\'s memory not at all', () => {
    const { state } = clusterState([heard('hosta', 0.5, { web: 0.6 })], new Map([['web', { usedMiB: 99, dirtyMiBPerSecond: 2 }]]), nowhere)
    expect(state.guests).toEqual([{ name: 'web', host: 'hosta', cores: 0.6, memoryMiB: 256, usedMiB: 99, dirtyMiBPerSecond: 2 }])
    expect(state.hosts[0]).toMatchObject({ cpus: 2, dom0Cores: 0.4, memoryMiB: 756 })
    expect(loadOf(state, state.hosts[0]!)).toBeCloseTo(0.5)
    expect(freeMiB(state, state.hosts[0]!)).toBe(500)
  })

  it('has no halves of guests under way', () => {
    const { state } = clusterState([heard('hosta', 0.5, { 'web--migratedaway': 0 }), heard('hostb', 0.5, { 'web--incoming': 0.1 })], new Map(), nowhere)
    expect(state.guests).toEqual([])
  })

  it('leaves out hosts that were not heard, and keeps those that stand by', () => {
    const silent: HeardHost = { name: 'hostb', power: 'on', sample: null, before: null }
    const before = clusterState([heard('hostc', 0.1, {})], new Map(), nowhere).state.hosts[0]!
    const { state } = clusterState([heard('hosta', 0.5, {}), silent, { name: 'hostc', power: 'standby', sample: null, before }], new Map(), nowhere)
    expect(state.hosts.map(({ name, power }) => [name, power])).toEqual([['hosta', 'on'], ['hostc', 'standby']])
  })

  it('shows a guest once that has just moved, and none that cannot be told from another', () => {
    const hosts = [heard('hosta', 0.5, { web: 0.1, twin: 0.2 }), heard('hostb', 0.5, { web: 0.3, twin: 0.2 })]
    const { state, doubled } = clusterState(hosts, new Map(), new Map([['web', 'hostb']]))
    expect(state.guests.map(({ name, host }) => [name, host])).toEqual([['web', 'hostb']])
    expect(doubled).toEqual(['twin'])
  })
})

describe('the power program', () => {
  async function program(text: string): Promise<string> {
    const path = join(folder, 'a power program')
    await writeFile(path, `#!/bin/sh\n${text}\n`)
    await chmod(path, 0o755)
    return path
  }

  it('is called with what to do and the host, as they are', async () => {
    const path = await program(`printf '%s|' "$@" >>"${folder}/calls"`)
    const power = powerByProgram(() => path)
    await power.standBy('host a; rm -rf /')
    await power.wake('$(id)')
    expect(await readFile(join(folder, 'calls'), 'utf8')).toBe('standby|host a; rm -rf /|wake|$(id)|')
  })

  it('tells what it said when it failed', async () => {
    const path = await program('echo "no such outlet" >&2; exit 3')
    await expect(powerByProgram(() => path).wake('hosta')).rejects.toMatchObject({ code: 'power-failed', message: expect.stringContaining('no such outlet') as string })
  })

  it('is missed where there is none', async () => {
    await expect(powerByProgram(() => null).standBy('hosta')).rejects.toMatchObject({ code: 'power-failed' })
    await expect(powerByProgram(() => join(folder, 'none')).standBy('hosta')).rejects.toMatchObject({ code: 'power-failed' })
  })
})

describe('the audit log', () => {
  it('is there for the next autopilot, without what a crash cut short', async () => {
    const file = join(folder, 'log', 'audit.jsonl')
    const log = await AuditLog.open(file)
    log.add({ kind: 'switching', host: 'hostc', to: 'standby' })
    log.add({ kind: 'stopped', problem: null })
    await log.text()
    await appendFile(file, '{"at":"2026-11-24T01:00:00.000Z","kind":"swit')
    const next = await AuditLog.open(file)
    expect(next.entries.map(({ kind }) => kind)).toEqual(['switching', 'stopped'])
  })

  it('shows an entry that cannot be written', async () => {
    const log = await AuditLog.open(join(folder, 'audit.jsonl'))
    await rm(folder, { recursive: true })
    log.add({ kind: 'stopped', problem: null })
    expect(log.entries).toHaveLength(1)
    expect(await log.text()).toBe('')
  })
})

describe('a migration that took place', () => {
  it('brings the next prediction nearer', () => {
    const guest = { name: 'web', host: 'hosta', cores: 1, memoryMiB: 256, usedMiB: 128, dirtyMiBPerSecond: 0.5 }
    const actual = { bytes: 90e6, ms: 40_000, downtimeMs: 900 }
    const off = ({ bytes, ms, downtimeMs }: typeof actual): number => Math.abs(bytes / actual.bytes - 1) + Math.abs(ms / actual.ms - 1) + Math.abs(downtimeMs / actual.downtimeMs - 1)
    let link = usualLink
    const errors = Array.from({ length: 6 }, () => {
      const predicted = migrationCost(guest, link)
      link = calibrated(link, predicted, actual)
      return off(predicted)
    })
    expect(errors.toSorted((a, b) => b - a)).toEqual(errors)
    expect(errors.at(-1)).toBeLessThan(errors[0]! / 3)
  })
})
