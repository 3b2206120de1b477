/** A plausible finished run; tests change what they are about. */
import type { FinishedRun, HostFacts, RunResult, RunSettings } from '../../../shared/model/run.ts'

export function hostFacts(name: string): HostFacts {
  return { name, hostname: name, kernel: '6.1.0-51-amd64', xen: '4.17.7', xl: '4.17', agent: '0.1.0', cpuModel: 'QEMU TCG CPU' }
}

export function finishedRun(change: { settings?: Partial<RunSettings>, result?: Partial<RunResult>, run?: Partial<FinishedRun> } = {}): FinishedRun {
  return {
    schema: 1,
    id: '20261122-215100-web-stock-0a1b2c',
    startedAt: '2026-11-22T21:51:00.000Z',
    race: { id: 'race-1', index: 0, runs: 4, kind: 'race' },
    lab: 'boxed',
    guest: { name: 'web', uuid: '00000000-0000-0000-0000-000000000001', kind: 'pvh', vcpus: 1, memoryBytes: 268435456, vifScripts: ['vif-lab'], workload: { profile: 'web' } },
    from: hostFacts('hosta'),
    to: hostFacts('hostb'),
    settings: { mode: 'stock', encoder: null, level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20, verify: true, scrub: true, settleMs: 5000, withDisk: false, ...change.settings },
    result: {
      outcome: 'migrated',
      problem: null,
      summary: 'web runs on hostb.',
      endedAt: '2026-11-22T21:53:00.000Z',
      explored: null,
      disk: null,
      notExplored: null,
      streamBytes: 280_000_000,
      linkBytes: 280_100_000,
      totalMs: 120_000,
      downtimeMs: 900,
      downtimeTransferMs: 300,
      heartbeatGapMs: 1500,
      heartbeatGapTargetMs: 1510,
      heartbeatsLost: 150,
      rounds: [{ pages: 65_536, leftOut: 0, constant: 0, encoded: 0, raw: 65_536, delta: 0, reference: 0, streamBytes: 270_000_000, linkBytes: 270_100_000, ms: 110_000, final: false }],
      encoding: null,
      cpuMs: null,
      swept: null,
      verify: { compared: 50_000, differing: 0, ioBuffers: 0 },
      guestBad: 0,
      guestCheckedAfter: 1200,
      where: [{ host: 'hostb', domain: 'web', state: 'running' }],
      leftovers: [],
      ...change.result,
    },
    ...change.run,
  }
}
