import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { RemoteProcess } from '../ssh/types.ts'

/** A running agent command that speaks JSON lines. */
export interface AgentProcess {
  /** Validated messages in order; ends with the process. Lines over 256 KiB or that are no JSON throw `agent-protocol`. */
  messages: AsyncIterable<AgentMessage>
  /** Writes one line to the agent's stdin. */
  send: (line: string) => void
  /** EOF on stdin: every agent command ends by itself on it. */
  end: () => void
  exit: RemoteProcess['exit']
}

/** The agent as deployed on one host. */
export interface HostAgent {
  /** Absolute path on the host. */
  readonly path: string
  start: (args: readonly string[]) => Promise<AgentProcess>
  /** Runs a one-answer command; throws the agent's own error if it reports one. */
  request: (args: readonly string[], kind: AgentMessage['t'], options?: { timeoutMs?: number }) => Promise<AgentMessage>
  /** For commands whose stdout is binary (map). */
  startBinary: (args: readonly string[]) => Promise<RemoteProcess>
}
