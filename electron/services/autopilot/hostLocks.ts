/** One autopilot for each host: a lock there that lasts as long as the agent that holds it, hence no longer than the connection. */
import type { HostHandle } from '../migration/hostHandle.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { AgentTask } from '../migration/agentTask.ts'

export interface HostLocksOptions {
  owner: string
  requestMs: number
}

export class HostLocks {
  private readonly options: HostLocksOptions
  private readonly held = new Map<string, AgentTask>()

  constructor(options: HostLocksOptions) {
    this.options = options
  }

  has(host: string): boolean {
    return this.held.has(host)
  }

  /** Throws `busy` with the name of who has it, and what the connection throws. */
  async take(handle: HostHandle): Promise<void> {
    const { owner, requestMs } = this.options
    const { agent } = await handle.session()
    const task = await AgentTask.start(agent, ['hold', '--owner', owner], () => {})
    if (await task.message('held', requestMs) === null) {
      task.closeStdin()
      const { problem } = await task.ended
      throw new Me2Error(problem?.code ?? 'agent-protocol', problem?.message ?? `${handle.name} does not say whether it is free.`, problem?.action)
    }
    this.held.set(handle.name, task)
    void task.ended.then(() => {
      if (this.held.get(handle.name) === task)
        this.held.delete(handle.name)
    })
  }

  releaseAll(): void {
    for (const task of this.held.values())
      task.closeStdin()
    this.held.clear()
  }
}
