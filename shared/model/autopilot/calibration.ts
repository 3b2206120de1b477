/** What a migration that took place teaches about the next ones. */
import type { LinkFacts, MigrationCost } from './migrationCost.ts'

/** Of the newest migration in what is known: two or three bring a first guess near, and one odd one does not spoil it. */
const newestWeight = 0.5
const leastMs = 1

function mixed(before: number, measured: number): number {
  return before + newestWeight * (measured - before)
}

/** `predicted` was made with `link`. */
export function calibrated(link: LinkFacts, predicted: MigrationCost, actual: MigrationCost): LinkFacts {
  const onTheWayMs = Math.max(leastMs, actual.ms - actual.downtimeMs)
  const transferPartMs = predicted.downtimeMs - link.fixedDowntimeMs
  return {
    mbit: mixed(link.mbit, Math.max(1, actual.bytes * 8 / 1000 / onTheWayMs)),
    encodedShare: mixed(link.encodedShare, link.encodedShare * actual.bytes / Math.max(1, predicted.bytes)),
    fixedDowntimeMs: mixed(link.fixedDowntimeMs, Math.max(0, actual.downtimeMs - transferPartMs)),
  }
}
