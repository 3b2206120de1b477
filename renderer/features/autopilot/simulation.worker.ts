/** One simulation, then the end. */
import type { SimulationAnswer, SimulationRequest } from './simulation.ts'
import { generatedLoad, recordedLoad, recordedLoadSchema } from '../../../shared/model/autopilot/load.ts'
import { samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { simulate } from '../../../shared/model/autopilot/simulator.ts'
import { whatIsWrong } from '../../../shared/model/whatIsWrong.ts'

const scope = globalThis as unknown as { postMessage: (answer: SimulationAnswer) => void, onmessage: ((event: MessageEvent<SimulationRequest>) => void) | null }

scope.onmessage = ({ data: { recording, policy, link, ...made } }) => {
  try {
    const load = recording === null ? generatedLoad(made) : recordedLoad(recordedLoadSchema.parse(JSON.parse(recording)))
    const { policies } = simulate(load, policy, link, share => scope.postMessage({ kind: 'progress', share }))
    scope.postMessage({ kind: 'done', policies, hosts: load.hosts.length, guests: load.guests.length, hours: load.steps * samplePeriodMs / 3_600_000 })
  }
  catch (error) {
    scope.postMessage({ kind: 'failed', message: whatIsWrong(error) })
  }
}
