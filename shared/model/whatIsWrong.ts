/** Why a value that somebody gave was not taken, in words with the place: `guests.3.cores: Too small`. */
import { z } from 'zod'

export function whatIsWrong(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')
  }
  return error instanceof Error ? error.message : String(error)
}
