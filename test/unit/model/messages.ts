/** Messages as the agent sends them, for tests that are not about their every field. */
import type { AgentMessageOf, Domain } from '../../../shared/agent/messages.ts'

export function domain(name: string, state: Domain['state'] = 'running', change: Partial<Domain> = {}): Domain {
  return { domid: 7, name, uuid: '00000000-0000-0000-0000-000000000001', kind: 'pvh', state, memoryBytes: 2 ** 28, maxMemoryBytes: 2 ** 28, vcpus: 1, cpuNs: 1, ...change }
}

export function startMessage(change: Partial<AgentMessageOf<'start'>> = {}): AgentMessageOf<'start'> {
  return { t: 'start', ns: 1, domid: 7, name: 'web', mode: 'me2', encoder: 'rle', level: null, cacheMib: 0, link: 'sealed', rateMbit: 20, explored: { kernel: '6.1.0', sections: 2, ms: 900 }, notExplored: null, ...change }
}

export function progressMessage(change: Partial<AgentMessageOf<'progress'>> = {}): AgentMessageOf<'progress'> {
  return { t: 'progress', ns: 2, phase: 'precopy', round: 0, streamBytes: 1000, linkBytes: 400, pages: 100, leftOut: 40, constant: 20, encoded: 30, raw: 10, delta: 0, reference: 0, lastRoundPages: 0, ...change }
}

export function roundMessage(change: Partial<AgentMessageOf<'round'>> = {}): AgentMessageOf<'round'> {
  return { t: 'round', round: 0, pages: 100, leftOut: 40, constant: 20, encoded: 30, raw: 10, delta: 0, reference: 0, streamBytes: 1000, linkBytes: 400, ms: 500, final: false, ...change }
}

export function heartbeatMessage(change: Partial<AgentMessageOf<'heartbeat'>> = {}): AgentMessageOf<'heartbeat'> {
  return { t: 'heartbeat', ns: 3, received: 10, lastSequence: 10, bad: 0, checked: 100, gapMs: 11, ...change }
}

export function migrated(change: Partial<Extract<AgentMessageOf<'done'>, { here: unknown[] }>> = {}): AgentMessageOf<'done'> {
  return { t: 'done', outcome: 'migrated', reason: null, message: null, xlExit: 0, streamBytes: 2000, linkBytes: 800, totalMs: 12_000, downtimeMs: 700, downtimeTransferMs: 200, cpuMs: null, here: [], ...change }
}

export function received(outcome: 'running' | 'destroyed' | 'failed'): AgentMessageOf<'done'> {
  return { t: 'done', outcome, xlExit: outcome === 'running' ? 0 : 1, linkBytes: 800, streamBytes: 2000, cpuMs: null }
}
