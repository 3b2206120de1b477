import type { LoadMessage } from '../../../shared/agent/messages.ts'
import { expect, it } from 'vitest'
import { loadBetween } from '../../../electron/services/hosts/load.ts'

function sample(change: Partial<LoadMessage>): LoadMessage {
  return {
    t: 'load', ns: 0, cpuBusyNs: 0, cpus: 2, freeBytes: 1000, totalBytes: 4000, netRxBytes: 0, netTxBytes: 0, domains: [], ...change,
  }
}

it('is the difference of two samples of counters, over their time', () => {
  const before = sample({ domains: [{ domid: 1, name: 'web', cpuNs: 5e8, memoryBytes: 10 }] })
  const now = sample({ ns: 2e9, cpuBusyNs: 1e9, netTxBytes: 4e6, domains: [{ domid: 1, name: 'web', cpuNs: 15e8, memoryBytes: 10 }, { domid: 2, name: 'new', cpuNs: 9e9, memoryBytes: 10 }] })
  expect(loadBetween('hosta', before, now)).toEqual({
    host: 'hosta', ms: 2000, cpuShare: 0.25, usedBytes: 3000, totalBytes: 4000, receivedBytesPerSecond: 0, sentBytesPerSecond: 2e6,
    domains: [{ domid: 1, name: 'web', cpuShare: 0.5, memoryBytes: 10 }, { domid: 2, name: 'new', cpuShare: 0, memoryBytes: 10 }],
  })
})

it('is nothing, not less, when a counter went back', () => {
  const load = loadBetween('hosta', sample({ cpuBusyNs: 5e9, netTxBytes: 100 }), sample({ ns: 1e9 }))
  expect(load).toMatchObject({ cpuShare: 0, sentBytesPerSecond: 0 })
})
