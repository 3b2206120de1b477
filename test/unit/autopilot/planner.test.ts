/** What the autopilot decides. If this fails, it breaks a rule of its user, overfills a host, or moves guests to and fro. */
import type { ClusterState, GuestState, HostState } from '../../../shared/model/autopilot/cluster.ts'
import type { Plan, Situation } from '../../../shared/model/autopilot/planner.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freeMiB, guestsOn, loadOf, moved } from '../../../shared/model/autopilot/cluster.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { plan } from '../../../shared/model/autopilot/planner.ts'
import { policyPresets, policySchema } from '../../../shared/model/autopilot/policy.ts'

const host = (name: string, more: Partial<HostState> = {}): HostState => ({ name, cpus: 10, memoryMiB: 10_000, dom0Cores: 0, power: 'on', ...more })
const guest = (name: string, on: string, cores: number, more: Partial<GuestState> = {}): GuestState => ({ name, host: on, cores, memoryMiB: 1000, usedMiB: 500, dirtyMiBPerSecond: 1, ...more })

/** Heat as the loads are; nothing under way, nothing moved before. */
function situation(state: ClusterState, { hotShare }: Policy, more: Partial<Situation> = {}): Situation {
  const heat = new Map(state.hosts.filter(({ power }) => power === 'on').map((each) => {
    const load = loadOf(state, each)
    return [each.name, { heat: load > hotShare ? 'hot' as const : 'normal' as const, load, mean: load, forecast: load, above: 5, heard: 5 }]
  }))
  return { nowMs: 1e9, state, heat, movedAtMs: new Map(), busyHosts: new Set(), moves: 0, packsSinceMs: null, link: usualLink, ...more }
}

function planFor(state: ClusterState, policy: Policy = policyPresets.balanced, more: Partial<Situation> = {}): Plan {
  return plan(situation(state, policy, more), policy)
}

function movesOf({ steps }: Plan): string[] {
  return steps.map(step => step.kind === 'move' ? `${step.move.guest} ${step.move.from} > ${step.move.to}` : `${step.kind} ${step.host}`)
}

const hotAndCold: ClusterState = {
  hosts: [host('a'), host('b'), host('c')],
  guests: [guest('big', 'a', 4), guest('small', 'a', 4.2, { usedMiB: 900 }), guest('other', 'b', 2.5)],
}

describe('a hot host', () => {
  it('gives the guest that takes most load along for its cost, to the coldest host', () => {
    expect(planFor(hotAndCold)).toMatchObject({ scenario: 'balance', host: 'a' })
    expect(movesOf(planFor(hotAndCold))).toEqual(['big a > c'])
  })

  it('keeps its guests where nothing is gained, and says why', () => {
    const alone = { ...hotAndCold, guests: [guest('big', 'a', 8)] }
    expect(planFor(alone)).toMatchObject({ steps: [], rejected: [{ guest: 'big', to: 'b', why: 'wouldBeTooBusy' }, { guest: 'big', to: 'c', why: 'wouldBeTooBusy' }] })
  })

  it('exchanges two guests where neither could go alone', () => {
    const full = { hosts: [host('a'), host('b')], guests: [guest('busy', 'a', 5, { memoryMiB: 4000 }), guest('too', 'a', 3, { memoryMiB: 4000 }), guest('lazy', 'b', 1, { memoryMiB: 1500 }), guest('idle', 'b', 1, { memoryMiB: 5500 })] }
    expect(movesOf(planFor(full))).toEqual(['lazy b > a', 'busy a > b'])
  })

  it('has a host woken where no other can take anything', () => {
    const tight = { hosts: [host('a'), host('b'), host('c', { power: 'standby' })], guests: [guest('big', 'a', 4), guest('too', 'a', 4), guest('other', 'b', 7)] }
    expect(movesOf(planFor(tight))).toEqual(['wake c'])
    const waking = { ...tight, hosts: [host('a'), host('b'), host('c', { power: 'waking' })] }
    expect(movesOf(planFor(waking))).toEqual([])
  })

  it('has nobody woken while a guest is just leaving it', () => {
    const leaving = { hosts: [host('a'), host('b'), host('c', { power: 'standby' })], guests: [guest('big', 'a', 4), guest('too', 'a', 4), guest('other', 'b', 1)] }
    expect(movesOf(planFor(leaving, policyPresets.balanced, { busyHosts: new Set(['a', 'b']), moves: 1 }))).toEqual([])
  })

  it('is not waited for where power is saved: a host is woken as soon as the others get full', () => {
    const filling = (cores: number): ClusterState => ({ hosts: [host('a'), host('b'), host('c', { power: 'standby' })], guests: [guest('one', 'a', cores), guest('two', 'b', cores)] })
    const saving = policySchema.parse({ savesPower: true, packedShare: 0.6, marginShare: 0.05 })
    expect(planFor(filling(6.4), saving)).toMatchObject({ steps: [] })
    expect(planFor(filling(6.6), saving)).toMatchObject({ scenario: 'balance', host: null, steps: [{ kind: 'wake', host: 'c' }] })
    expect(planFor(filling(6.6), policyPresets.balanced), 'only where power is saved').toMatchObject({ steps: [] })
    expect(planFor(filling(6.6), { ...saving, maintenance: ['c'] })).toMatchObject({ steps: [] })
  })

  it.each<[string, Partial<Policy>, string[]]>([
    ['excluded', { excluded: ['big'] }, ['small a > c']],
    ['pinned', { pinned: { big: 'a' } }, ['small a > c']],
    ['pinned elsewhere', { pinned: { big: 'b' } }, ['big a > b']],
    ['kept together', { keptTogether: [['big', 'small']] }, []],
    ['kept apart', { keptApart: [['big', 'other', 'x']], maintenance: ['c'] }, ['small a > b']],
    ['maintenance', { maintenance: ['c'] }, ['big a > b']],
  ])('obeys: %s', (_name, rule, expected) => {
    expect(movesOf(planFor(hotAndCold, policySchema.parse(rule)))).toEqual(expected)
  })

  it('waits for a guest that has just moved, for hosts that are busy, and for moves under way', () => {
    expect(movesOf(planFor(hotAndCold, policyPresets.balanced, { movedAtMs: new Map([['big', 1e9 - 599_000]]) }))).toEqual(['small a > c'])
    expect(movesOf(planFor(hotAndCold, policyPresets.balanced, { busyHosts: new Set(['c']) }))).toEqual(['big a > b'])
    expect(movesOf(planFor(hotAndCold, policyPresets.balanced, { busyHosts: new Set(['a']) }))).toEqual([])
    expect(planFor(hotAndCold, policyPresets.balanced, { moves: 2 })).toMatchObject({ scenario: 'waiting', steps: [] })
  })
})

describe('saving power', () => {
  const policy = policyPresets.powerSaving
  const idle: ClusterState = { hosts: [host('a'), host('b'), host('c')], guests: [guest('x', 'a', 2), guest('y', 'b', 1), guest('z', 'c', 0.5)] }
  const longAgo = { packsSinceMs: 0 }

  it('empties the least loaded host onto the busiest that can take it, and puts it to standby', () => {
    expect(movesOf(planFor(idle, policy, longAgo))).toEqual(['z c > a', 'standby c'])
  })

  it('does so only after it would have fitted for long enough, with nothing under way, and if the user wants it', () => {
    expect(planFor(idle, policy, { packsSinceMs: 1e9 - 1000 }).scenario).toBe('idle')
    expect(planFor(idle, policy, { ...longAgo, moves: 1 }).steps).toEqual([])
    expect(planFor(idle, policyPresets.balanced, longAgo).scenario).toBe('idle')
  })

  it('moves all guests of a host or none', () => {
    const held = { ...idle, guests: [...idle.guests, guest('w', 'c', 0.1)] }
    expect(movesOf(planFor(held, { ...policy, excluded: ['w', 'y'] }, longAgo)), 'the next one instead').toEqual(['x a > b', 'standby a'])
    expect(planFor(held, policy, { ...longAgo, movedAtMs: new Map([['w', 1e9 - 1000]]) }), 'it waits').toMatchObject({ scenario: 'save', steps: [], rejected: [{ guest: 'w', why: 'coolingDown' }] })
  })

  it('never empties the last host', () => {
    expect(planFor({ hosts: [host('a'), host('b', { power: 'standby' })], guests: [] }, policy, longAgo).steps).toEqual([])
  })

  it('takes guests that are kept together along together', () => {
    const pair = { ...idle, guests: [guest('x', 'a', 2), guest('y', 'b', 1.5), guest('z', 'c', 0.5), guest('w', 'c', 0.4)] }
    expect(movesOf(planFor(pair, { ...policy, keptTogether: [['z', 'w']] }, longAgo))).toEqual(['z c > a', 'w c > a', 'standby c'])
  })
})

/** Clusters of any kind, rules among them. */
const anyCase = fc.record({
  hosts: fc.integer({ min: 2, max: 6 }),
  guests: fc.array(fc.record({ host: fc.nat(5), cores: fc.double({ min: 0, max: 5, noNaN: true }), memoryMiB: fc.integer({ min: 100, max: 4000 }), movedAgoS: fc.option(fc.integer({ min: 0, max: 1200 }), { freq: 2 }) }), { minLength: 4, maxLength: 20 }),
  standby: fc.nat(2),
  busy: fc.option(fc.nat(5), { freq: 2 }),
  rule: fc.record({ excluded: fc.array(fc.nat(19), { maxLength: 3 }), pinned: fc.array(fc.tuple(fc.nat(19), fc.nat(5)), { maxLength: 3 }), apart: fc.array(fc.nat(19), { maxLength: 3 }), together: fc.array(fc.nat(19), { maxLength: 3 }), maintenance: fc.array(fc.nat(5), { maxLength: 2 }) }),
  savesPower: fc.boolean(),
}).map(({ hosts: count, guests, standby, busy, rule, savesPower }) => {
  const hosts = Array.from({ length: count }, (_, i) => host(`h${i}`))
  const state: ClusterState = { hosts, guests: guests.map(({ cores, memoryMiB, host: on }, i) => guest(`g${i}`, `h${on % count}`, cores, { memoryMiB, usedMiB: memoryMiB })) }
  const asleep = hosts.filter(({ name }) => guestsOn(state, name).length === 0).slice(0, standby).map(({ name }) => name)
  const policy = policySchema.parse({
    savesPower,
    excluded: rule.excluded.map(i => `g${i}`),
    pinned: Object.fromEntries(rule.pinned.map(([g, h]) => [`g${g}`, `h${h}`])),
    keptApart: [rule.apart.map(i => `g${i}`)],
    keptTogether: [rule.together.map(i => `g${i}`)],
    maintenance: rule.maintenance.map(i => `h${i}`),
  })
  return {
    policy,
    situation: situation({ ...state, hosts: hosts.map(each => asleep.includes(each.name) ? { ...each, power: 'standby' as const } : each) }, policy, {
      busyHosts: new Set(busy === null ? [] : [`h${busy}`]),
      moves: busy === null ? 0 : 1,
      movedAtMs: new Map(guests.flatMap(({ movedAgoS }, i) => movedAgoS === null ? [] : [[`g${i}`, 1e9 - movedAgoS * 1000]])),
      packsSinceMs: 0,
    }),
  }
})

/** What is wrong with a plan, looked at without the planner's own code. */
function faultsOf({ steps, scenario }: Plan, { state: before, busyHosts, movedAtMs, nowMs }: Situation, policy: Policy): string[] {
  const faults: string[] = []
  let state = before
  for (const step of steps) {
    if (step.kind === 'standby' && guestsOn(state, step.host).length > 0)
      faults.push(`${step.host} is not empty`)
    if (step.kind !== 'move')
      continue
    const { guest: name, from, to, gainShare } = step.move
    const mover = state.guests.find(each => each.name === name)!
    const target = state.hosts.find(each => each.name === to)!
    const together = policy.keptTogether.filter(group => group.includes(name)).flat()
    const apart = policy.keptApart.filter(group => group.includes(name)).flat().filter(each => each !== name)
    state = moved(state, name, to)
    const check: [boolean, string][] = [
      [mover.host !== from || from === to, 'is not where it is moved from'],
      [policy.excluded.includes(name), 'is excluded'],
      [(policy.pinned[name] ?? to) !== to, 'is pinned'],
      [policy.maintenance.includes(to) || target.power !== 'on', 'gets a host that takes none'],
      [busyHosts.has(from) || busyHosts.has(to), 'goes between busy hosts'],
      [nowMs - (movedAtMs.get(name) ?? -Infinity) < 600_000, 'is cooling down'],
      [freeMiB(state, target) < policy.spareMiB, 'overfills its host'],
      [apart.some(each => state.guests.some(other => other.name === each && other.host === to)), 'meets one it is kept apart from'],
      [scenario === 'balance' && gainShare < policy.leastGainShare, 'moves for too little'],
      [scenario === 'balance' && together.some(each => before.guests.some(other => other.name === each && other.name !== name && other.host === from)), 'leaves one it is kept together with'],
    ]
    faults.push(...check.flatMap(([isFault, words]) => isFault ? [`${name} ${words}`] : []))
  }
  if (scenario === 'balance' && steps.some(({ kind }) => kind === 'move')) {
    const hotBefore = new Set(before.hosts.filter(each => loadOf(before, each) > policy.hotShare).map(each => each.name))
    faults.push(...state.hosts.filter(each => !hotBefore.has(each.name) && loadOf(state, each) > policy.hotShare).map(each => `${each.name} becomes hot`))
  }
  return faults
}

describe('whatever the cluster and the rules', () => {
  it('no plan breaks a rule, overfills a host, makes another hot, or moves for less than the least gain', () => {
    let withMoves = 0
    fc.assert(fc.property(anyCase, ({ policy, situation: given }) => {
      const made = plan(given, policy)
      withMoves += made.steps.length > 0 ? 1 : 0
      expect(faultsOf(made, given, policy)).toEqual([])
    }), { numRuns: 6000 })
    expect(withMoves, 'the property was really tried').toBeGreaterThan(300)
  })
})
