/**
 * What is run in which order. The guest goes there and back, so directions alternate by themselves; the order of the modes is
 * turned round in every other repeat (stock, ME2, then ME2, stock), so that over an even number of repeats each mode goes as
 * often in each direction, and as often first.
 */
import type { Encoding } from './encoding.ts'
import type { Mode, RunSettings } from './run.ts'

/** In what one run differs from the next. Where it goes follows from where the guest is. */
export type Leg = Pick<RunSettings, 'mode' | 'encoder' | 'level' | 'cacheMiB' | 'rateMbit'>

export function stockLeg(rateMbit: number | null): Leg {
  return { mode: 'stock', encoder: null, level: null, cacheMiB: 0, rateMbit }
}

export function me2Leg(encoding: Encoding, rateMbit: number | null): Leg {
  return { mode: 'me2', ...encoding, rateMbit }
}

/** The order of one repeat over and over, turned round in every other one. */
export function turnedRound<Item>(repeats: readonly (readonly Item[])[]): Item[] {
  return repeats.flatMap((items, index) => index % 2 === 0 ? items : items.toReversed())
}

export interface RacePlan {
  modes: readonly Mode[]
  /** Runs of each mode. */
  repeats: number
  encoding: Encoding
  rateMbit: number | null
}

export function raceLegs({ modes, repeats, encoding, rateMbit }: RacePlan): Leg[] {
  const once = modes.map(mode => mode === 'stock' ? stockLeg(rateMbit) : me2Leg(encoding, rateMbit))
  return turnedRound(Array.from<typeof once>({ length: repeats }).fill(once))
}
