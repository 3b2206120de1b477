/** A host's load between two samples of its counters. */
import type { LoadMessage } from '../../../shared/agent/messages.ts'
import type { HostLoad } from '../../../shared/contract/hosts.ts'

/** A counter that went back (a host that was started anew) counts as 0. */
function grown(before: number, now: number): number {
  return Math.max(0, now - before)
}

export function loadBetween(host: string, before: LoadMessage, now: LoadMessage): HostLoad {
  const ns = Math.max(1, now.ns - before.ns)
  const perSecond = (from: number, to: number): number => grown(from, to) * 1e9 / ns
  const earlier = new Map(before.domains.map(domain => [domain.domid, domain.cpuNs]))
  return {
    host,
    ms: now.ns / 1e6,
    cpuShare: Math.min(1, grown(before.cpuBusyNs, now.cpuBusyNs) / ns / Math.max(1, now.cpus)),
    usedBytes: Math.max(0, now.totalBytes - now.freeBytes),
    totalBytes: now.totalBytes,
    receivedBytesPerSecond: perSecond(before.netRxBytes, now.netRxBytes),
    sentBytesPerSecond: perSecond(before.netTxBytes, now.netTxBytes),
    domains: now.domains.map(({ domid, name, cpuNs, memoryBytes }) =>
      ({ domid, name, memoryBytes, cpuShare: grown(earlier.get(domid) ?? cpuNs, cpuNs) / ns })),
  }
}
