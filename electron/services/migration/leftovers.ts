/** What a run left running on a host. Agents that were there before, another console's for instance, are not counted. */
import type { RunningAgent } from './agentsOnHost.ts'
import type { HostHandle } from './hostHandle.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { Me2Error } from '../../../shared/errors.ts'
import { agentsOnHost, isTransport } from './agentsOnHost.ts'

const attempts = 5

async function transports(host: HostHandle): Promise<RunningAgent[]> {
  const agents = await agentsOnHost(await host.session())
  return (agents ?? []).filter(isTransport)
}

/** The process ids before a run. */
export async function agentsBefore(host: HostHandle): Promise<ReadonlySet<number>> {
  return new Set((await transports(host)).map(agent => agent.pid))
}

/** In words, one line each; processes get a few pauses to end. A host that is gone leaves nothing that could be told. */
export async function agentsLeft(host: HostHandle, before: ReadonlySet<number>, pauseMs: number): Promise<string[]> {
  let left: RunningAgent[] = []
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      left = (await transports(host)).filter(agent => !before.has(agent.pid))
      if (left.length === 0)
        break
      await sleep(pauseMs)
    }
  }
  catch (error) {
    if (!(error instanceof Me2Error))
      throw error
    return [`${host.name} could not be asked what still runs there.`]
  }
  return left.map(agent => `The agent's ${agent.args[0]} (process ${agent.pid}) still runs on ${host.name}.`)
}
