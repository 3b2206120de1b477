/** Whether a step of a plan may be begun at this moment: plans have several, and the world goes on between them. */
import type { Mind } from './mind.ts'
import type { Step } from './planner.ts'
import type { Policy } from './policy.ts'
import { guestsOn } from './cluster.ts'
import { isStale } from './history.ts'
import { whyNotOn } from './rules.ts'

/** False: not yet, or not any more; who waits for it looks whether the plan is overtaken. */
export function isReady(step: Step, { state, history }: Mind, nowMs: number, busyHosts: ReadonlySet<string>, moves: number, policy: Policy): boolean {
  if (step.kind === 'wake')
    return true
  if (state === null || isStale(history, nowMs))
    return false
  if (step.kind === 'standby')
    return state.hosts.some(({ name }) => name === step.host) && guestsOn(state, step.host).length === 0 && !busyHosts.has(step.host)
  const { guest, from, to } = step.move
  const moving = state.guests.find(({ name, host }) => name === guest && host === from)
  const target = state.hosts.find(({ name }) => name === to)
  if (!moving || !target || busyHosts.has(from) || busyHosts.has(to) || moves >= policy.movesAtOnce)
    return false
  // guests that are kept together follow one another
  return whyNotOn(moving, target, state, { ...policy, keptTogether: [] }) === null
}
