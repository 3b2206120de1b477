/** An agent command under way: its messages go to a listener, its end becomes one value. */
import type { AgentMessage, AgentMessageOf } from '../../../shared/agent/messages.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { AgentProcess, HostAgent } from '../agent/types.ts'
import { errorFrom } from '../agent/parse.ts'
import { asProblem } from './problems.ts'
import { within } from './within.ts'

export interface TaskEnd {
  /** The connection went away: what the command did afterwards is not known. */
  lost: boolean
  /** The agent's own error, or what was wrong with its messages. */
  problem: Problem | null
}

export class AgentTask {
  /** Never rejects. */
  readonly ended: Promise<TaskEnd>
  private readonly process: AgentProcess
  private readonly onMessage: (message: AgentMessage) => void
  private readonly firsts = new Map<AgentMessage['t'], PromiseWithResolvers<AgentMessage>>()

  private constructor(process: AgentProcess, onMessage: (message: AgentMessage) => void) {
    this.process = process
    this.onMessage = onMessage
    this.ended = this.follow()
  }

  /** Rejects only if the command could not be started. */
  static async start(agent: HostAgent, args: readonly string[], onMessage: (message: AgentMessage) => void): Promise<AgentTask> {
    return new AgentTask(await agent.start(args), onMessage)
  }

  private async follow(): Promise<TaskEnd> {
    let problem: Problem | null = null
    try {
      for await (const message of this.process.messages) {
        if (message.t === 'error')
          problem ??= errorFrom(message).toProblem()
        this.onMessage(message)
        this.firstOf(message.t).resolve(message)
      }
    }
    catch (error) {
      problem ??= asProblem(error)
      this.process.end()
    }
    const { lost } = await this.process.exit
    return { lost, problem }
  }

  private firstOf(kind: AgentMessage['t']): PromiseWithResolvers<AgentMessage> {
    const first = this.firsts.get(kind) ?? Promise.withResolvers<AgentMessage>()
    this.firsts.set(kind, first)
    return first
  }

  /** The first message of a kind; null if the command ends without one, or `timeoutMs` passes. */
  async message<Kind extends AgentMessage['t']>(kind: Kind, timeoutMs: number): Promise<AgentMessageOf<Kind> | null> {
    const first = this.firstOf(kind).promise as Promise<AgentMessageOf<Kind>>
    return within(Promise.race([first, this.ended.then(() => null)]), timeoutMs)
  }

  send(line: string): void {
    this.process.send(line)
  }

  /** EOF on stdin: every agent command ends by itself on it. */
  closeStdin(): void {
    this.process.end()
  }

  async endsWithin(timeoutMs: number): Promise<boolean> {
    return await within(this.ended, timeoutMs) !== null
  }
}
