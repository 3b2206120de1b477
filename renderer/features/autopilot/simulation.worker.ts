/** One simulation, then the end. */
import type { SimulationAnswer, SimulationRequest } from './simulation.ts'
import { z } from 'zod'
import { generatedLoad, recordedLoad, recordedLoadSchema } from '../../../shared/model/autopilot/load.ts'
import { samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { simulate } from '../../../shared/model/autopilot/simulator.ts'

const scope = globalThis as unknown as { postMessage: (answer: SimulationAnswer) => void, onmessage: ((event: MessageEvent<SimulationRequest>) => void) | null }

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return `${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}`
  return error instanceof Error ? error.message : String(error)
}

scope.onmessage = ({ data: { recording, policy, link, ...made } }) => {
  try {
    const load = recording === null ? generatedLoad(made) : recordedLoad(recordedLoadSchema.parse(JSON.parse(recording)))
    const { policies } = simulate(load, policy, link, share => scope.postMessage({ kind: 'progress', share }))
    scope.postMessage({ kind: 'done', policies, hosts: load.hosts.length, guests: load.guests.length, hours: load.steps * samplePeriodMs / 3_600_000 })
  }
  catch (error) {
    scope.postMessage({ kind: 'failed', message: messageOf(error) })
  }
}
