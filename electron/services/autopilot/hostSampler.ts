/** One host's load as the agent there counts it, sample after sample, over a connection that is made anew when it was lost. */
import type { LoadMessage } from '../../../shared/agent/messages.ts'
import type { HostLoad } from '../../../shared/contract/hosts.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { HostHandle } from '../migration/hostHandle.ts'
import { loadBetween } from '../hosts/load.ts'
import { AgentTask } from '../migration/agentTask.ts'
import { asProblem } from '../migration/problems.ts'
import { within } from '../migration/within.ts'

export interface HostSample {
  /** When it came, on this machine's monotonic clock. */
  atMs: number
  load: HostLoad
  cpus: number
  freeBytes: number
}

const closeWithinMs = 5000
const ended: Problem = { code: 'connection-lost', message: 'The agent that tells the load ended.', action: 'It is started again by itself.' }

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => resolve()
  const timer = setTimeout(end, ms)
  signal.addEventListener('abort', end)
  if (!signal.aborted)
    await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', end)
}

export class HostSampler {
  latest: HostSample | null = null
  /** Why there is nothing new; null: there is. */
  problem: Problem | null = null
  private readonly handle: HostHandle
  private readonly everyMs: number
  private readonly stop = new AbortController()
  private readonly done: Promise<void>

  /** Begins at once; `everyMs` is also how long it waits before it tries again. */
  constructor(handle: HostHandle, everyMs: number) {
    this.handle = handle
    this.everyMs = everyMs
    this.done = this.keepSampling()
  }

  /** Resolves when nothing of it is left on the host; a host that does not answer is not waited for long. */
  async close(): Promise<void> {
    this.stop.abort()
    await within(this.done, closeWithinMs)
  }

  private async keepSampling(): Promise<void> {
    const { signal } = this.stop
    while (!signal.aborted) {
      try {
        await this.sampleOnce(signal)
      }
      catch (error) {
        this.problem = asProblem(error)
      }
      await pause(this.everyMs, signal)
    }
  }

  private async sampleOnce(signal: AbortSignal): Promise<void> {
    const { agent } = await this.handle.session()
    let before: LoadMessage | null = null
    const task = await AgentTask.start(agent, ['load', '--every', String(this.everyMs)], (message) => {
      if (message.t !== 'load')
        return
      // a clock that did not go on belongs to a host that was started anew
      if (before !== null && message.ns > before.ns)
        this.take(before, message)
      before = message
    })
    const close = (): void => task.closeStdin()
    signal.addEventListener('abort', close)
    if (signal.aborted)
      close()
    const { problem } = await task.ended
    signal.removeEventListener('abort', close)
    this.problem = problem ?? ended
  }

  private take(before: LoadMessage, message: LoadMessage): void {
    this.problem = null
    this.latest = { atMs: performance.now(), load: loadBetween(this.handle.name, before, message), cpus: message.cpus, freeBytes: message.freeBytes }
  }
}
