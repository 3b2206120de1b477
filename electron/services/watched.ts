/** A value that others follow. A slow follower misses what was replaced meanwhile, never the newest. */

/** Resolves when `signal` aborts; `off` lets go of it. */
function aborted(signal: AbortSignal | undefined): { promise: Promise<void>, off: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => resolve()
  if (signal?.aborted)
    resolve()
  signal?.addEventListener('abort', done)
  return { promise, off: () => signal?.removeEventListener('abort', done) }
}

export interface FollowOptions {
  signal?: AbortSignal
  /** No more often than this. */
  everyMs?: number
}

export class Watched<Value> {
  private current: Value
  private version = 0
  private changed = Promise.withResolvers<void>()
  private followerCount = 0
  private readonly onFollowers: (count: number) => void

  /** `onFollowers` hears how many follow whenever that changes. */
  constructor(value: Value, onFollowers: (count: number) => void = () => {}) {
    this.current = value
    this.onFollowers = onFollowers
  }

  get value(): Value {
    return this.current
  }

  set(value: Value): void {
    this.current = value
    this.version++
    this.changed.resolve()
    this.changed = Promise.withResolvers()
  }

  /** The value now, then each newer one, until the signal or the consumer ends it. */
  async* follow({ signal, everyMs = 0 }: FollowOptions = {}): AsyncGenerator<Value> {
    const end = aborted(signal)
    this.onFollowers(++this.followerCount)
    try {
      let seen = -1
      while (!signal?.aborted) {
        if (seen === this.version) {
          await Promise.race([this.changed.promise, end.promise])
          continue
        }
        seen = this.version
        yield this.current
        if (everyMs > 0)
          await Promise.race([new Promise(resolve => setTimeout(resolve, everyMs)), end.promise])
      }
    }
    finally {
      end.off()
      this.onFollowers(--this.followerCount)
    }
  }
}

/** A follower that has so many waiting does not take them any more: it gets none of those that come then. */
const maxWaiting = 1000

/** Messages that each follower gets all of, from its own start on. */
export class Broadcast<Message> {
  private readonly queues = new Set<{ messages: Message[], wake: () => void }>()
  private readonly onFollowers: (count: number) => void

  constructor(onFollowers: (count: number) => void = () => {}) {
    this.onFollowers = onFollowers
  }

  send(message: Message): void {
    for (const queue of this.queues) {
      if (queue.messages.length < maxWaiting)
        queue.messages.push(message)
      queue.wake()
    }
  }

  async* follow({ signal }: Pick<FollowOptions, 'signal'> = {}): AsyncGenerator<Message> {
    const end = aborted(signal)
    const queue = { messages: [] as Message[], wake: (): void => {} }
    this.queues.add(queue)
    this.onFollowers(this.queues.size)
    try {
      while (!signal?.aborted) {
        const message = queue.messages.shift()
        if (message !== undefined) {
          yield message
          continue
        }
        const woken = new Promise<void>((resolve) => {
          queue.wake = resolve
        })
        await Promise.race([woken, end.promise])
      }
    }
    finally {
      end.off()
      this.queues.delete(queue)
      this.onFollowers(this.queues.size)
    }
  }
}
