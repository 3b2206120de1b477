/** A time limit that stands still while the user is being asked something. */
export interface Deadline {
  /** The same function, during whose calls the limit is off; it starts anew after each. */
  pausedDuring: <Args extends unknown[], Result>(ask: (...args: Args) => Promise<Result>) => (...args: Args) => Promise<Result>
  stop: () => void
}

export function startDeadline(ms: number, onExpired: () => void): Deadline {
  let stopped = false
  let timer = setTimeout(onExpired, ms)
  return {
    pausedDuring: ask => async (...args) => {
      clearTimeout(timer)
      try {
        return await ask(...args)
      }
      finally {
        if (!stopped)
          timer = setTimeout(onExpired, ms)
      }
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
