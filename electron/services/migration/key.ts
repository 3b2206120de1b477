import { randomBytes } from 'node:crypto'

/** The key of one migration, as the 64 hex digits that both ends read from stdin; never an argument, never logged. */
export function oneTimeKey(): string {
  return randomBytes(32).toString('hex')
}
