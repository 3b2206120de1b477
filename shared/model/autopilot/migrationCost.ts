/** What a migration would cost, before it is begun. */
import type { GuestState } from './cluster.ts'

export interface LinkFacts {
  mbit: number
  /** Bytes on the link for a byte of used memory, as earlier migrations came out. */
  encodedShare: number
  /** Suspending, saving the devices' state and starting anew: what no page has a part in. */
  fixedDowntimeMs: number
}

/** Of the paper's and our own runs on aged guests, over a network of a usual lab, until a cluster's own migrations have told. */
export const usualLink: LinkFacts = { mbit: 1000, encodedShare: 0.3, fixedDowntimeMs: 300 }

export interface MigrationCost {
  bytes: number
  ms: number
  downtimeMs: number
}

/** libxc's own policy: so many rounds at most, and the guest is suspended once so few pages are dirty (xg_sr_save.c). */
const roundsMax = 5
const fewPages = 50
const pageBytes = 4096
const mebibyte = 1024 ** 2

/**
 * Pre-copy as a geometric series (Clark et al., Live Migration of Virtual Machines, NSDI 2005): the first round carries what Memory
 * Exploration finds in use, each further one what was written during the one before, the last of them while the guest is suspended.
 * A guest that was never explored is taken for full.
 */
export function migrationCost(guest: GuestState, { mbit, encodedShare, fixedDowntimeMs }: LinkFacts): MigrationCost {
  const bytesPerMs = mbit * 1000 / 8
  const used = Math.min(guest.usedMiB ?? guest.memoryMiB, guest.memoryMiB) * mebibyte
  const dirtyBytesPerMs = (guest.dirtyMiBPerSecond ?? 0) * mebibyte / 1000
  let bytes = used * encodedShare
  let ms = bytes / bytesPerMs
  let dirty = Math.min(used, dirtyBytesPerMs * ms)
  for (let round = 1; round < roundsMax && dirty > fewPages * pageBytes; round++) {
    const took = dirty * encodedShare / bytesPerMs
    bytes += dirty * encodedShare
    ms += took
    dirty = Math.min(used, dirtyBytesPerMs * took)
  }
  const downtimeMs = fixedDowntimeMs + dirty * encodedShare / bytesPerMs
  return { bytes: bytes + dirty * encodedShare, ms: ms + downtimeMs, downtimeMs }
}
