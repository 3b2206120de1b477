/**
 * Who runs when. The guest goes there and back, so directions alternate by themselves; the order of the modes is turned
 * round in every other repeat (stock, ME2, then ME2, stock), so that over an even number of repeats each mode goes as
 * often in each direction, and as often first.
 */
import type { Mode } from './run.ts'

export interface RaceLeg {
  /** From 0. */
  repeat: number
  mode: Mode
  /** False: back to where the guest came from. */
  forward: boolean
}

export function raceOrder(modes: readonly Mode[], repeats: number): RaceLeg[] {
  const legs: RaceLeg[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const mode of repeat % 2 === 0 ? modes : modes.toReversed())
      legs.push({ repeat, mode, forward: legs.length % 2 === 0 })
  }
  return legs
}
