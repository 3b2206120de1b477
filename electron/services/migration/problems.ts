import type { Problem } from '../../../shared/errors.ts'
import { Me2Error } from '../../../shared/errors.ts'

/** An error as a value. What is no Me2Error is a bug of ours; it is told as one, so that a run under way still gets its end. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Me2Error)
    return error.toProblem()
  return { code: 'internal', message: `An unexpected error: ${String(error)}`, action: 'Please report it.' }
}

/** What an end says when it was the other one that failed. */
const effects: readonly Problem['code'][] = ['cancelled', 'link', 'link-stalled', 'connection-lost']

/** Of what both ends say, the cause: a source that only knows that its target failed is explained by the target. */
export function causeOf(source: Problem | null, targets: readonly (Problem | null)[]): Problem | null {
  const told = targets.filter(problem => problem !== null)
  if (source === null)
    return told[0] ?? null
  return source.code === 'target-failed' ? told.find(({ code }) => !effects.includes(code)) ?? source : source
}
