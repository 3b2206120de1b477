/** After a migration, however it ended: asks both hosts where the guest is until they agree, reconnecting where it must. */
import type { Domain } from '../../../shared/agent/messages.ts'
import type { HostReport, Verdict } from '../../../shared/model/whereabouts.ts'
import type { HostHandle } from './hostHandle.ts'
import type { MigrationTiming } from './timing.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { judge } from '../../../shared/model/whereabouts.ts'
import { asProblem } from './problems.ts'

export interface FindGuestOptions {
  source: HostHandle
  target: HostHandle
  guest: string
  timing: MigrationTiming
  onNote: (note: string) => void
}

/** Throws what the connection or the agent throws. */
export async function domainsOn(host: HostHandle, timeoutMs: number): Promise<Domain[]> {
  const { agent } = await host.session()
  const answer = await agent.request(['domains'], 'domains', { timeoutMs })
  return answer.t === 'domains' ? answer.domains : []
}

/** Null if the host cannot be asked, not even over a new connection. */
async function ask(host: HostHandle, { timing, onNote }: FindGuestOptions): Promise<HostReport> {
  try {
    return { host: host.name, domains: await domainsOn(host, timing.requestMs) }
  }
  catch (error) {
    onNote(`${host.name} does not answer (${asProblem(error).message}); connecting again.`)
  }
  try {
    await host.reconnect(timing, attempt => onNote(`${host.name}: attempt ${attempt} to connect.`))
    return { host: host.name, domains: await domainsOn(host, timing.requestMs) }
  }
  catch (error) {
    onNote(`${host.name} cannot be reached: ${asProblem(error).message}`)
    return { host: host.name, domains: null }
  }
}

/** The last word is what both hosts listed when time was up, settled or not. */
export async function findGuest(options: FindGuestOptions): Promise<Verdict> {
  const { source, target, guest, timing } = options
  const until = performance.now() + timing.settleForMs
  for (;;) {
    const [atSource, atTarget] = await Promise.all([ask(source, options), ask(target, options)])
    const verdict = judge(guest, atSource, atTarget)
    if (verdict.settled || verdict.outcome === 'unknown' || performance.now() > until)
      return verdict
    await sleep(timing.settlePollMs)
  }
}
