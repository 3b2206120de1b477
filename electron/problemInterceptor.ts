/** What services throw, as the contract's one error; a bug is told as one and logged where the console runs. */
import process from 'node:process'
import { ORPCError } from '@orpc/server'
import { Me2Error } from '../shared/errors.ts'
import { asProblem } from './services/migration/problems.ts'

/** A call that breaks its schema, or names no procedure, is answered by the library itself. */
export function toContractError(error: unknown): unknown {
  if (error instanceof ORPCError)
    return error
  if (!(error instanceof Me2Error))
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return new ORPCError('PROBLEM', { status: 422, defined: true, data: asProblem(error) })
}
