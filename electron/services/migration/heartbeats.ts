/** Both hosts listen to the guest's heartbeat while it migrates. Hearing nothing never stops a migration. */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { Side } from '../../../shared/model/runEvent.ts'
import type { HostHandle } from './hostHandle.ts'
import { AgentTask } from './agentTask.ts'
import { asProblem } from './problems.ts'

/** Where a guest's heartbeat arrives; lab guests have one. */
export interface HeartbeatSource {
  port: number
  /** IPv4 address of the guest. */
  address: string
}

export interface HeartbeatListener {
  onMessage: (side: Side, message: AgentMessage) => void
  onNote: (note: string) => void
}

async function listen(side: Side, host: HostHandle, { port, address }: HeartbeatSource, listener: HeartbeatListener): Promise<AgentTask | null> {
  try {
    const { agent } = await host.session()
    return await AgentTask.start(agent, ['heartbeat', '--port', String(port), '--from', address], message => listener.onMessage(side, message))
  }
  catch (error) {
    listener.onNote(`${host.name} does not listen to the heartbeat: ${asProblem(error).message}`)
    return null
  }
}

export class Heartbeats {
  private readonly tasks: AgentTask[]

  private constructor(tasks: AgentTask[]) {
    this.tasks = tasks
  }

  /** Without a source nobody listens. */
  static async start(hosts: Record<Side, HostHandle>, source: HeartbeatSource | null, listener: HeartbeatListener): Promise<Heartbeats> {
    if (!source)
      return new Heartbeats([])
    const tasks = await Promise.all([listen('source', hosts.source, source, listener), listen('target', hosts.target, source, listener)])
    return new Heartbeats(tasks.filter(task => task !== null))
  }

  /** Lets both sum up; their summaries arrive as messages before this resolves. */
  async stop(timeoutMs: number): Promise<void> {
    for (const task of this.tasks)
      task.closeStdin()
    await Promise.all(this.tasks.map(async task => task.endsWithin(timeoutMs)))
  }
}
