/** The planner and its rivals on a load on paper, in a worker, so that the screen stays alive meanwhile. */
import type { LinkFacts } from '../../../shared/model/autopilot/migrationCost.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import type { SimulatedOutcome } from '../../../shared/model/autopilot/simulator.ts'
import { shallowRef } from 'vue'

export interface SimulationRequest {
  /** A recorded load as JSON; null: one made up from the numbers. */
  recording: string | null
  hosts: number
  guests: number
  hours: number
  seed: number
  meanShare: number
  policy: Policy
  link: LinkFacts
}

export type SimulationAnswer
  = | { kind: 'progress', share: number }
    | { kind: 'done', policies: SimulatedOutcome[], hosts: number, guests: number, hours: number }
    | { kind: 'failed', message: string }

export type SimulationState = { kind: 'idle' } | { kind: 'running', share: number } | Extract<SimulationAnswer, { kind: 'done' | 'failed' }>

export function useSimulation() {
  const state = shallowRef<SimulationState>({ kind: 'idle' })
  let worker: Worker | null = null

  function end(): void {
    worker?.terminate()
    worker = null
  }
  function cancel(): void {
    end()
    state.value = { kind: 'idle' }
  }
  function run(request: SimulationRequest): void {
    end()
    state.value = { kind: 'running', share: 0 }
    worker = new Worker(new URL('./simulation.worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<SimulationAnswer>) => {
      state.value = data.kind === 'progress' ? { kind: 'running', share: data.share } : data
      if (data.kind !== 'progress')
        end()
    }
    worker.onerror = ({ message }) => {
      state.value = { kind: 'failed', message }
      end()
    }
    worker.postMessage(request)
  }
  return { state, run, cancel }
}
