import type { GuestView, HostView } from '../../../shared/contract/hosts.ts'
import type { RaceCheck } from '../../../shared/contract/races.ts'
import { describe, expect, it } from 'vitest'
import { checkKey, firstForm, leastStockMs, permissionOf, requestOf, settled } from '../../../renderer/features/race/setup.ts'
import { changeOf, pointsBeyondPaper, stripAxis, verdictOf } from '../../../renderer/features/race/verdict.ts'
import { raceTable } from '../../../shared/model/raceTable.ts'
import { finishedRun } from '../../unit/model/runs.ts'

const defaults = { repeats: 2, encoder: 'rle', level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20, verify: true, scrub: true, settleMs: 5000 } as const
const guest = (name: string, state: GuestView['state'] = 'running'): GuestView => ({ domid: 1, name, kind: 'pvh', state, memoryBytes: 2 ** 28, vcpus: 1, workload: null })
const host = (name: string, guests: GuestView[], change: Partial<HostView> = {}): HostView => ({ name, address: name, lab: 'boxed', state: 'ready', problem: null, checks: null, checkedAt: null, facts: null, agent: null, guests, ...change })
const hosts = [host('hosta', [guest('web'), guest('db'), guest('off', 'shutdown')]), host('hostb', []), host('mine', [], { lab: 'own' }), host('away', [], { state: 'off' })]
const places = hosts.flatMap(each => each.guests.map(guest => ({ host: each, guest })))
const check = (status: RaceCheck['status'], forceable = false): RaceCheck => ({ code: status, status, message: '', action: '', forceable })

describe('a set-up', () => {
  it('chooses what exists: a running guest, and a connected host of the same lab', () => {
    expect(settled(firstForm(defaults, null), hosts, places, {})).toMatchObject({ from: 'hosta', guest: 'web', to: 'hostb', twin: 'db' })
  })

  it('takes the guest that the address names, but never one that does not run', () => {
    expect(settled(firstForm(defaults, null), hosts, places, { host: 'hosta', guest: 'db' })).toMatchObject({ guest: 'db', twin: 'web' })
    expect(settled(firstForm(defaults, null), hosts, places, { guest: 'off' }).guest).toBe('web')
  })

  it('asks for nothing that is not whole', () => {
    expect(requestOf(settled(firstForm(defaults, null), [], [], {}), false)).toBeNull()
    const form = settled(firstForm(defaults, null), hosts, places, {})
    expect(requestOf({ ...form, way: 'twins', twin: '' }, false)).toBeNull()
    expect(requestOf({ ...form, capped: false }, false)).toMatchObject({ rateMbit: null, twin: null, modes: ['stock', 'me2'] })
  })

  it('needs a new pre-check for another guest or cap, not for more pairs', () => {
    const form = settled(firstForm(defaults, null), hosts, places, {})
    const keyOf = (change: Partial<typeof form>): string => checkKey(requestOf({ ...form, ...change }, false)!)
    expect(keyOf({ repeats: 8 })).toBe(keyOf({}))
    expect(keyOf({ rateMbit: 50 })).not.toBe(keyOf({}))
  })

  it('starts only where the pre-check lets it', () => {
    expect(permissionOf(null, true)).toEqual({ mayStart: false, mayForce: false })
    expect(permissionOf([check('ok'), check('warning')], false).mayStart).toBe(true)
    expect(permissionOf([check('error', true)], false)).toEqual({ mayStart: false, mayForce: true })
    expect(permissionOf([check('error', true)], true).mayStart).toBe(true)
    expect(permissionOf([check('error', true), check('error')], true)).toEqual({ mayStart: false, mayForce: false })
  })

  it('estimates a stock run by its memory and the cap, and nothing without one', () => {
    expect(leastStockMs(2.5e6, 20)).toBe(1000)
    expect(leastStockMs(2.5e6, null)).toBeNull()
  })
})

describe('a verdict', () => {
  it('says less, more or no less', () => {
    expect(changeOf(0.33)).toEqual({ direction: 'less', percent: 67 })
    expect(changeOf(1.25)).toEqual({ direction: 'more', percent: 25 })
    expect(changeOf(1.001)).toEqual({ direction: 'same', percent: 0 })
    expect(pointsBeyondPaper(0.544, 0.524)).toBe(-2)
  })

  it('is given only where both modes have ended', () => {
    const me2 = finishedRun({ settings: { mode: 'me2' }, result: { linkBytes: 140_050_000, totalMs: 60_000, downtimeMs: 990 } })
    expect(verdictOf(raceTable([finishedRun()]))).toBeNull()
    expect(verdictOf(raceTable([finishedRun(), me2]))).toEqual({ data: { direction: 'less', percent: 50 }, time: { direction: 'less', percent: 50 }, pause: { direction: 'more', percent: 10 } })
  })

  it('draws stock\'s median and every dot', () => {
    expect(stripAxis([0.3, 1.02]).ticks).toEqual([0, 0.25, 0.5, 0.75, 1])
    const worse = stripAxis([0.3, 7])
    expect(worse.max).toBeGreaterThan(7)
    expect(worse.ticks).toContain(1)
  })
})
