/** The target's end of a link: `agent receive` or `agent disk-receive`, up and listening. */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { DiskToMove } from '../disk/diskToMove.ts'
import type { HostSession } from './hostHandle.ts'
import { isIPv6 } from 'node:net'
import { Me2Error } from '../../../shared/errors.ts'
import { AgentTask } from './agentTask.ts'

export interface ListenOptions {
  link: 'sealed' | 'plain'
  /** The target's own address that the source will connect to. */
  address: string
  key: string
  listenMs: number
  onMessage: (message: AgentMessage) => void
}

export interface ReceiverOptions extends ListenOptions {
  /** Whose unfinished copy to look for when xl fails; null with `measure`. */
  guest: string | null
  /** Only count bytes (`link-test`), no migration. */
  measure: boolean
  /** Something comes before the guest, a disk for instance: it is waited for, for a week at most. */
  patient: boolean
}

const patienceSeconds = 7 * 24 * 3600

export interface Receiver {
  task: AgentTask
  /** As `--to` takes it. */
  to: string
}

function hostAndPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** Throws the agent's own error, or `link` if it did not come to listen in time. */
async function listen({ agent }: HostSession, command: string, options: readonly string[], { link, address, key, listenMs, onMessage }: ListenOptions): Promise<Receiver> {
  const task = await AgentTask.start(agent, [command, '--link', link, '--bind', address, ...options], onMessage)
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

/** Throws as listening does. */
export async function startReceiver(session: HostSession, options: ReceiverOptions): Promise<Receiver> {
  const { guest, measure, patient } = options
  return listen(session, 'receive', [...(guest === null ? [] : ['--guest', guest]), ...(measure ? ['--measure'] : []), ...(patient ? ['--wait', String(patienceSeconds)] : [])], options)
}

/** Throws as listening does, and what is wrong with the path there. */
export async function startDiskReceiver(session: HostSession, { path, bytes, overwrite }: DiskToMove['to'], options: ListenOptions): Promise<Receiver> {
  return listen(session, 'disk-receive', ['--path', path, '--bytes', String(bytes), ...(overwrite ? ['--overwrite'] : [])], options)
}
