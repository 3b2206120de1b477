/** From what an agent printed to messages and errors that the console knows. */
import type { AgentMessage, ErrorMessage } from '../../../shared/agent/messages.ts'
import { agentMessageSchema } from '../../../shared/agent/messages.ts'
import { Me2Error, problemCodes } from '../../../shared/errors.ts'

export const maxLineBytes = 256 * 1024

const redeploy = 'Deploy the agent again; if this stays, the console and the agent do not belong together.'

/** @throws Me2Error `agent-protocol` for anything but one known message. */
export function parseMessage(line: string): AgentMessage {
  const { success, data } = agentMessageSchema.safeParse(jsonOrUndefined(line))
  if (!success)
    throw notUnderstood(line)
  return data
}

export function notUnderstood(text: string): Me2Error {
  return new Me2Error('agent-protocol', `The agent said something that is not understood: ${text.slice(0, 200)}`, redeploy)
}

export function lineTooLong(): Me2Error {
  return new Me2Error('agent-protocol', `The agent printed a line of more than ${maxLineBytes} bytes.`, redeploy)
}

/** The agent's own error, as if it had been thrown here. A code that is not known becomes `internal`. */
export function errorFrom({ code, message, action }: ErrorMessage): Me2Error {
  return new Me2Error(problemCodes.find(known => known === code) ?? 'internal', message, action)
}

function jsonOrUndefined(line: string): unknown {
  try {
    return JSON.parse(line)
  }
  catch {
    return undefined
  }
}
