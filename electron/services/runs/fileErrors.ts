/** The errors of the file system that have a meaning for saved runs. */
import { Me2Error } from '../../../shared/errors.ts'

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** A full disk as a problem, anything else as it is. `consequence` goes on after "The disk is full:". */
export function orDiskFull(error: unknown, consequence: string): unknown {
  if (hasCode(error, 'ENOSPC', 'EDQUOT'))
    return new Me2Error('disk-full', `The disk is full: ${consequence}.`, 'Make room on this machine.', { cause: error })
  return error
}
