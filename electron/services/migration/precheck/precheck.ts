/** Before a race: may this guest go from here to there, and what is known of all three? */
import type { GuestFacts, HostFacts } from '../../../../shared/model/run.ts'
import type { Check } from './checks.ts'
import type { HostState, PrecheckFacts } from './facts.ts'
import type { PrecheckRequest } from './gather.ts'
import { judgeFacts } from './checks.ts'
import { gatherFacts } from './gather.ts'

export interface Precheck {
  checks: Check[]
  from: HostFacts
  to: HostFacts
  /** Null if the source has no such guest. */
  guest: Omit<GuestFacts, 'workload'> | null
  linkAddress: string | null
}

function hostFacts({ name, agent, probe }: HostState): HostFacts {
  const { hostname, kernel, xen, xl, cpuModel } = probe
  return { name, hostname, kernel, agent, cpuModel, xen: xen ? `${xen.major}.${xen.minor}${xen.extra}` : '', xl: xl?.version ?? '' }
}

function guestFacts({ domain, config }: PrecheckFacts): Precheck['guest'] {
  if (!domain)
    return null
  const { name, uuid, kind, vcpus, memoryBytes } = domain
  return { name, uuid, kind, vcpus, memoryBytes, vifScripts: config?.vifScripts ?? [] }
}

/** Throws where a host cannot be asked at all (`host-unreachable`, `connection-lost`, the agent's own errors). */
export async function precheck(request: PrecheckRequest): Promise<Precheck> {
  const facts = await gatherFacts(request)
  return {
    checks: judgeFacts(facts),
    from: hostFacts(facts.source),
    to: hostFacts(facts.target),
    guest: guestFacts(facts),
    linkAddress: facts.linkAddress,
  }
}
