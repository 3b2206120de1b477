import type { Problem } from '../../../shared/errors.ts'
import { Me2Error } from '../../../shared/errors.ts'

/** An error as a value. What is no Me2Error is a bug of ours; it is told as one, so that a run under way still gets its end. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Me2Error)
    return error.toProblem()
  return { code: 'internal', message: `An unexpected error: ${String(error)}`, action: 'Please report it.' }
}
