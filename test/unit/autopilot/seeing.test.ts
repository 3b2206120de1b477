/** What the autopilot sees: if this is wrong, guests move for nothing, or on figures that are not true any more. */
import type { ClusterState } from '../../../shared/model/autopilot/cluster.ts'
import type { Mind } from '../../../shared/model/autopilot/mind.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forecast } from '../../../shared/model/autopilot/forecast.ts'
import { migrationCost, usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { decide, look, newMind, withMoved } from '../../../shared/model/autopilot/mind.ts'
import { policyPresets, policySchema, samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'

const policy = policyPresets.balanced
const present = { busyHosts: new Set<string>(), moves: 0, link: usualLink }

/** Two hosts of ten processors; all of the load is two guests on the first. */
function cluster(share: number): ClusterState {
  const guest = (name: string) => ({ name, host: 'a', cores: 5 * share, memoryMiB: 1024, usedMiB: 512, dirtyMiBPerSecond: 1 })
  const host = (name: string) => ({ name, cpus: 10, memoryMiB: 65_536, dom0Cores: 0, power: 'on' as const })
  return { hosts: [host('a'), host('b')], guests: [guest('x'), guest('y')] }
}

/** One look a period; null: nothing was heard. */
function watch(loads: readonly (number | null)[], mind: Mind = newMind, fromMs = 0): { mind: Mind, nowMs: number } {
  let now = mind
  loads.forEach((load, i) => {
    if (load !== null)
      now = look(now, fromMs + i * samplePeriodMs, cluster(load), policy, new Set())
  })
  return { mind: now, nowMs: fromMs + (loads.length - 1) * samplePeriodMs }
}

function times(count: number, load: number | null): (number | null)[] {
  return Array.from({ length: count }).fill(load) as (number | null)[]
}

function heatAfter(loads: readonly (number | null)[]): string | undefined {
  return watch(loads).mind.heat.get('a')?.heat
}

describe('a forecast', () => {
  it('of a series that swings is on the other side, of one that holds on, on the same', () => {
    expect(forecast([1, 3, 1, 3, 1, 3, 1, 3])).toBeLessThan(2)
    expect(forecast([1, 1, 1, 1, 3, 3, 3, 3])).toBeGreaterThan(2)
  })

  it('is there for every series of which anything is known, and within what was seen', () => {
    fc.assert(fc.property(fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 80 }), (series) => {
      const known = series.filter(value => value !== null)
      const next = forecast(series)
      if (known.length === 0)
        return next === null
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length
      return next !== null && Math.abs(next - mean) <= Math.abs(known.at(-1)! - mean) + 1e-9
    }))
  })

  it('takes no pair across a gap', () => {
    expect(forecast([0, 1, null, 1, 0, null, 0, 1, null, 1])).toBeLessThan(0.6)
  })
})

describe('a host', () => {
  it('is hot when enough samples and the forecast are above the threshold, and no sooner', () => {
    expect(heatAfter(times(12, 0.5))).toBe('normal')
    expect(heatAfter([...times(12, 0.5), 0.9, 0.9])).toBe('normal')
    expect(heatAfter([...times(12, 0.5), 0.9, 0.9, 0.9])).toBe('hot')
    expect(heatAfter([...times(12, 0.5), 0.9, 0.5, 0.5, 0.9, 0.5])).toBe('normal')
  })

  it('stays hot until it is clearly below', () => {
    const hot = [...times(12, 0.5), ...times(5, 0.9)]
    expect(heatAfter([...hot, ...times(5, 0.72)])).toBe('hot')
    expect(heatAfter([...hot, ...times(6, 0.6)])).toBe('normal')
    expect(heatAfter([...times(12, 0.5), ...times(8, 0.72)]), 'and does not become so there').toBe('normal')
  })

  it('is cold when little goes on there', () => {
    expect(heatAfter(times(12, 0.1))).toBe('cold')
  })

  it('is not judged before it has warmed up, nor where samples are missing: a gap is no zero', () => {
    expect(heatAfter(times(11, 0.9))).toBe('warmingUp')
    const { mind } = watch([...times(12, 0.9), null, null, null, 0.9])
    expect(mind.heat.get('a')).toMatchObject({ heat: 'unknown', heard: 2 })
  })
})

describe('nothing is decided', () => {
  const busy = watch(times(20, 0.9))

  it('but on fresh samples', () => {
    expect(decide(busy.mind, busy.nowMs, policy, present)).toMatchObject({ scenario: 'balance', host: 'a', steps: [{ move: { from: 'a', to: 'b' } }] })
    expect(decide(busy.mind, busy.nowMs + 4 * samplePeriodMs, policy, present)).toMatchObject({ scenario: 'waiting', steps: [] })
    expect(decide(busy.mind, busy.nowMs - 1, policy, present), 'the clock went back').toMatchObject({ scenario: 'waiting' })
  })

  it('after a clock jumped, until hosts have warmed up again', () => {
    for (const jumpMs of [-60_000, 3_600_000]) {
      const { mind, nowMs } = watch(times(5, 0.9), busy.mind, busy.nowMs + jumpMs)
      expect(decide(mind, nowMs, policy, present), `${jumpMs}`).toMatchObject({ scenario: 'waiting', steps: [] })
    }
  })

  it('while a host is not heard', () => {
    let { mind, nowMs } = busy
    for (let i = 1; i <= 5; i++) {
      const { hosts, guests } = cluster(0.9)
      mind = look(mind, nowMs += samplePeriodMs, { hosts: hosts.slice(0, 1), guests }, policy, new Set())
    }
    expect(decide(mind, nowMs, policy, present).steps).toEqual([])
  })
})

describe('the cost of a migration', () => {
  const guest = { name: 'x', host: 'a', cores: 1, memoryMiB: 4096, usedMiB: 1024, dirtyMiBPerSecond: 0 }
  const link = { ...usualLink, mbit: 800, encodedShare: 0.5 }

  it('is what is used and encoded, over the link', () => {
    expect(migrationCost(guest, link)).toMatchObject({ bytes: 512 * 1024 ** 2, downtimeMs: 300 })
    expect(migrationCost({ ...guest, usedMiB: null }, link).bytes, 'never explored').toBe(2048 * 1024 ** 2)
  })

  it('grows with what is written meanwhile, and is bounded where a guest writes faster than the link carries', () => {
    const cost = [0, 10, 50, 1000].map(dirtyMiBPerSecond => migrationCost({ ...guest, dirtyMiBPerSecond }, link))
    expect(cost.map(({ bytes }) => bytes)).toEqual(cost.map(({ bytes }) => bytes).toSorted((a, b) => a - b))
    expect(cost[3]!.bytes).toBeLessThanOrEqual(6 * 512 * 1024 ** 2)
    expect(cost[3]!.downtimeMs).toBeCloseTo(300 + 512 * 1024 ** 2 / 100_000, 0)
  })
})

describe('a migration', () => {
  const moved = (share: number): ClusterState => ({ ...cluster(share), guests: cluster(share).guests.map(guest => guest.name === 'x' ? { ...guest, host: 'b' } : guest) })
  const dom0 = (cores: number): ClusterState => ({ ...cluster(0.6), hosts: cluster(0.6).hosts.map(host => ({ ...host, dom0Cores: cores })) })

  it('leaves no host hot by what was before it', () => {
    const { mind, nowMs } = watch(times(20, 0.9))
    expect(mind.heat.get('a')?.heat).toBe('hot')
    const after = look(withMoved(mind, 'x', 'b', nowMs), nowMs + samplePeriodMs, moved(0.9), policy, new Set())
    expect(after.heat.get('a')).toMatchObject({ heat: 'normal', above: 0 })
    expect(after.heat.get('a')!.mean, 'as if the guest had been there all along').toBeCloseTo(0.45)
    expect(after.heat.get('b')!.mean).toBeCloseTo(0.45)
    expect(decide(after, nowMs + samplePeriodMs, policy, present).scenario).toBe('idle')
  })

  it('does not count in what its hosts do, and counts again when it is over', () => {
    const { mind } = watch(times(20, 0.6))
    const at = (i: number): number => (20 + i) * samplePeriodMs
    const busy = [0, 1, 2, 3, 4].reduce((before, i) => look(before, at(i), dom0(4), policy, new Set(['a'])), mind)
    expect(busy.heat.get('a')).toMatchObject({ heat: 'normal', load: expect.closeTo(0.6) as number })
    expect(busy.heat.get('b')!.load, 'that host has no part in it').toBeCloseTo(0.4)
    const after = [5, 6, 7, 8, 9].reduce((before, i) => look(before, at(i), dom0(4), policy, new Set()), busy)
    expect(after.heat.get('a')).toMatchObject({ heat: 'hot', load: expect.closeTo(1) as number })
  })
})

it('a policy that asks for more samples above the threshold than are looked at is refused', () => {
  expect(policySchema.safeParse({ hotOf: 6, lastOf: 5 })).toMatchObject({ success: false, error: { issues: [{ path: ['hotOf'] }] } })
  expect(policySchema.safeParse({ hotOf: 5, lastOf: 5 }).success).toBe(true)
})
