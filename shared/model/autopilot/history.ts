/** Samples of a cluster, one every few seconds, as many as are looked back on. What is missing is a gap, never a zero. */
import type { ClusterState } from './cluster.ts'
import { loadOf } from './cluster.ts'
import { samplePeriodMs } from './policy.ts'

/** Five minutes. */
const historySamples = 60
/** A sample that comes later than this had others before it that were lost. */
const latePeriods = 1.5

export interface LoadHistory {
  /** Of the newest sample, on a monotonic clock. */
  newestMs: number
  /** Since the history began, or began anew. */
  samples: number
  /** Share of each host's processors, the newest last; null: that host was not heard. */
  loads: ReadonlyMap<string, readonly (number | null)[]>
}

export const noHistory: LoadHistory = { newestMs: Number.NEGATIVE_INFINITY, samples: 0, loads: new Map() }

function extend(series: readonly (number | null)[], gaps: number, load: number | null): (number | null)[] {
  return [...series, ...Array.from<null>({ length: gaps }).fill(null), load].slice(-historySamples)
}

/**
 * With one sample more. Hosts that `state` does not have were not heard. A clock that went back, or a pause longer than all that is
 * looked back on, begins a new history: nothing is decided until it has warmed up.
 */
export function withSample(history: LoadHistory, atMs: number, state: ClusterState): LoadHistory {
  const elapsed = atMs - history.newestMs
  const gaps = elapsed > latePeriods * samplePeriodMs ? Math.round(elapsed / samplePeriodMs) - 1 : 0
  const goesOn = history.samples > 0 && elapsed > 0 && gaps < historySamples
  const before = goesOn ? history.loads : noHistory.loads
  const now = new Map(state.hosts.filter(({ power }) => power === 'on').map(host => [host.name, loadOf(state, host)]))
  const names = new Set([...before.keys(), ...now.keys()])
  const loads = new Map([...names].map(name => [name, extend(before.get(name) ?? [], goesOn ? gaps : 0, now.get(name) ?? null)]))
  return {
    newestMs: atMs,
    samples: goesOn ? history.samples + 1 : 1,
    loads: new Map([...loads].filter(([, series]) => series.some(load => load !== null))),
  }
}

/** The newest sample is too old to act on. */
export function isStale(history: LoadHistory, nowMs: number): boolean {
  return history.samples === 0 || nowMs < history.newestMs || nowMs - history.newestMs > 3 * samplePeriodMs
}
