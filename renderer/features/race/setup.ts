/** The choices of a set-up: what may be chosen given what was, and the request that comes of it. Pure. */
import type { GuestView, HostView } from '../../../shared/contract/hosts.ts'
import type { RaceCheck, RaceRequestView } from '../../../shared/contract/races.ts'
import type { Settings } from '../../../shared/contract/settings.ts'

export interface SetupForm extends Omit<Settings['race'], 'rateMbit'> {
  from: string
  guest: string
  to: string
  way: 'paired' | 'twins'
  twin: string
  capped: boolean
  rateMbit: number
  withDisk: boolean
  overwriteDisk: boolean
}

interface Place {
  host: HostView
  guest: GuestView
}

const usualRateMbit = 100

/** Guests that could migrate now. */
export function movable(places: readonly Place[]): Place[] {
  return places.filter(({ host, guest }) => host.state === 'ready' && (guest.state === 'running' || guest.state === 'blocked'))
}

/** Where a guest of `from` may go: another host of the same lab that is connected. */
export function targetsOf(hosts: readonly HostView[], from: string): HostView[] {
  const home = hosts.find(({ name }) => name === from)
  return hosts.filter(({ name, lab, state }) => name !== from && lab === home?.lab && state === 'ready')
}

export function firstForm(defaults: Settings['race'], before: RaceRequestView | null): SetupForm {
  const { repeats, encoder, level, cacheMiB, link, rateMbit, verify, scrub, settleMs } = before ?? defaults
  return {
    from: '', guest: '', to: '', twin: '',
    way: before !== null && before.twin !== null ? 'twins' : 'paired',
    repeats, encoder, level, cacheMiB, link, verify, scrub, settleMs,
    capped: rateMbit !== null,
    withDisk: before !== null && before.withDisk !== null,
    overwriteDisk: before?.withDisk?.overwrite ?? false,
    rateMbit: rateMbit ?? usualRateMbit,
  }
}

/** The form with choices that exist: what was wished for if it is there, otherwise the first. */
export function settled(form: SetupForm, hosts: readonly HostView[], places: readonly Place[], wished: { host?: string, guest?: string }): SetupForm {
  const guests = movable(places)
  const is = (host: string, guest: string) => ({ host: { name }, guest: other }: Place): boolean => name === host && other.name === guest
  const chosen = guests.find(is(form.from, form.guest))
    ?? guests.find(({ host, guest }) => guest.name === wished.guest && (wished.host === undefined || host.name === wished.host))
    ?? guests.find(({ guest }) => guest.name === form.guest)
    ?? guests[0]
  const from = chosen?.host.name ?? ''
  const guest = chosen?.guest.name ?? ''
  const targets = targetsOf(hosts, from)
  const twins = twinsOf(places, from, guest)
  return {
    ...form, from, guest,
    to: targets.some(({ name }) => name === form.to) ? form.to : targets[0]?.name ?? '',
    twin: twins.some(({ guest: { name } }) => name === form.twin) ? form.twin : twins[0]?.guest.name ?? '',
  }
}

/** Other guests on the same host. */
export function twinsOf(places: readonly Place[], from: string, guest: string): Place[] {
  return movable(places).filter(place => place.host.name === from && place.guest.name !== guest)
}

/** Null while something is not chosen, or out of bounds. */
export function requestOf(form: SetupForm, force: boolean): RaceRequestView | null {
  const { from, guest, to, way, twin, capped, rateMbit, repeats, encoder, level, cacheMiB, link, verify, scrub, settleMs, withDisk, overwriteDisk } = form
  const whole = guest !== '' && to !== '' && (way === 'paired' || twin !== '') && repeats >= 1 && (!capped || rateMbit > 0)
  if (!whole)
    return null
  return { guest, from, to, modes: ['stock', 'me2'], repeats, encoder, level, cacheMiB, link, rateMbit: capped ? rateMbit : null, verify, scrub, settleMs, force, withDisk: withDisk ? { overwrite: overwriteDisk } : null, twin: way === 'twins' ? twin : null }
}

/** What the pre-check depends on; other changes need no new one. */
export function checkKey({ guest, from, to, twin, link, rateMbit, withDisk }: RaceRequestView): string {
  return JSON.stringify([guest, from, to, twin, link, rateMbit, withDisk !== null])
}

export interface Permission {
  mayStart: boolean
  /** Errors stand in the way, and all of them may be passed over. */
  mayForce: boolean
}

export function permissionOf(checks: readonly RaceCheck[] | null, force: boolean): Permission {
  if (checks === null)
    return { mayStart: false, mayForce: false }
  const errors = checks.filter(({ status }) => status === 'error')
  const mayForce = errors.length > 0 && errors.every(({ forceable }) => forceable)
  return { mayStart: errors.length === 0 || (mayForce && force), mayForce }
}

/** Least time of a stock run: all of the memory through the cap. Null without one. */
export function leastStockMs(memoryBytes: number, rateMbit: number | null): number | null {
  return rateMbit === null ? null : memoryBytes * 8 / (rateMbit * 1e6) * 1000
}
