/** The target's end of the link: `agent receive`, up and listening. */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { HostSession } from './hostHandle.ts'
import { isIPv6 } from 'node:net'
import { Me2Error } from '../../../shared/errors.ts'
import { AgentTask } from './agentTask.ts'

export interface ReceiverOptions {
  link: 'sealed' | 'plain'
  /** The target's own address that the source will connect to. */
  address: string
  key: string
  /** Whose unfinished copy to look for when xl fails; null with `measure`. */
  guest: string | null
  /** Only count bytes (`link-test`), no migration. */
  measure: boolean
  listenMs: number
  onMessage: (message: AgentMessage) => void
}

export interface Receiver {
  task: AgentTask
  /** As `--to` takes it. */
  to: string
}

function hostAndPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** Throws the agent's own error, or `link` if it did not come to listen in time. */
export async function startReceiver({ agent }: HostSession, options: ReceiverOptions): Promise<Receiver> {
  const { link, address, key, guest, measure, listenMs, onMessage } = options
  const task = await AgentTask.start(agent, ['receive', '--link', link, '--bind', address, ...(guest === null ? [] : ['--guest', guest]), ...(measure ? ['--measure'] : [])], onMessage)
  task.send(key)
  const listening = await task.message('listening', listenMs)
  if (listening)
    return { task, to: hostAndPort(address, listening.port) }
  task.closeStdin()
  const { lost, problem } = await task.ended
  if (problem)
    throw new Me2Error(problem.code, problem.message, problem.action)
  if (lost)
    throw new Me2Error('connection-lost', 'The connection to the target was lost before it listened for the guest.', 'Check the target and try again.')
  throw new Me2Error('link', `The target did not come to listen on ${address}.`, 'Check that the address is one of the target\'s own.')
}
