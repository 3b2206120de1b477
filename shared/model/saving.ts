/**
 * Where a pair's difference in bytes on the wire came from. Each step follows from figures of the two runs, and they add
 * up to the difference exactly: stock + all steps = ME2. Negative steps are savings.
 */
import type { Round, RunResult } from './run.ts'
import { pageBytes } from './pageClass.ts'

const wordBytes = 8

const savingSteps = ['leftOut', 'constant', 'reference', 'encoding', 'repeats', 'rest'] as const
export type SavingStepId = typeof savingSteps[number]

export interface SavingStep {
  id: SavingStepId
  bytes: number
}

export interface Saving {
  stockBytes: number
  me2Bytes: number
  steps: SavingStep[]
}

function sum(rounds: readonly Round[], of: (round: Round) => number): number {
  return rounds.reduce((total, round) => total + of(round), 0)
}

/**
 * `leftOut`, `constant` and `reference`: whole pages less what stands for them; for a page left out or seen before those few
 * bytes count as `encoding`. That is the encoded pages, differences among them, against the rest of the bytes that ME2's
 * rounds sent, headers included. `reference` is left out where there was none. `repeats`: pages that one run handled more
 * often than the other. `rest`: what either sent outside the page data. Null where a run has no rounds.
 */
export function savingOf(stock: RunResult, me2: RunResult): Saving | null {
  if (stock.rounds.length === 0 || me2.rounds.length === 0)
    return null
  const stockPageBytes = sum(stock.rounds, ({ pages }) => pages) * pageBytes
  const me2PageBytes = sum(me2.rounds, ({ pages }) => pages) * pageBytes
  const me2RoundBytes = sum(me2.rounds, ({ linkBytes }) => linkBytes)
  const leftOut = -sum(me2.rounds, round => round.leftOut) * pageBytes
  const constant = -sum(me2.rounds, round => round.constant) * (pageBytes - wordBytes)
  const reference = -sum(me2.rounds, round => round.reference) * pageBytes
  const bytes: Record<SavingStepId, number> = {
    leftOut,
    constant,
    reference,
    encoding: me2RoundBytes - (me2PageBytes + leftOut + constant + reference),
    repeats: me2PageBytes - stockPageBytes,
    rest: (me2.linkBytes - me2RoundBytes) - (stock.linkBytes - stockPageBytes),
  }
  const steps = savingSteps.filter(id => id !== 'reference' || reference !== 0)
  return { stockBytes: stock.linkBytes, me2Bytes: me2.linkBytes, steps: steps.map(id => ({ id, bytes: bytes[id] })) }
}
