/** Asks the console for something that may be refused: the problem is there to be shown, until the next attempt. */
import type { Problem } from '../../shared/errors.ts'
import { shallowRef } from 'vue'
import { problemOf } from './connection.ts'

export function useAttempt() {
  const problem = shallowRef<Problem | null>(null)

  async function attempt(action: () => Promise<unknown>): Promise<void> {
    problem.value = null
    try {
      await action()
    }
    catch (error) {
      problem.value = problemOf(error)
    }
  }
  return { problem, attempt }
}
