/** Which hosts are too busy, which have room to spare, and by what evidence. */
import type { LoadHistory } from './history.ts'
import type { Policy } from './policy.ts'
import { forecast } from './forecast.ts'

/** `unknown`: too many of its last samples are missing. */
export const hostHeats = ['warmingUp', 'unknown', 'hot', 'cold', 'normal'] as const
export type HostHeat = typeof hostHeats[number]

export interface HeatEvidence {
  heat: HostHeat
  /** Newest sample; null: it is missing. */
  load: number | null
  /** Mean of the last samples that are there. */
  mean: number | null
  forecast: number | null
  /** So many of the last samples are above the threshold, and so many are there. */
  above: number
  heard: number
}

function heatOf(policy: Policy, wasHot: boolean, { mean, forecast: next, above, heard }: Omit<HeatEvidence, 'heat'>): HostHeat {
  const { hotShare, coldShare, hotOf, marginShare } = policy
  if (heard < hotOf || mean === null || next === null)
    return 'unknown'
  if (above >= hotOf && next > hotShare)
    return 'hot'
  if (wasHot && mean > hotShare - marginShare)
    return 'hot'
  return mean < coldShare && next < coldShare ? 'cold' : 'normal'
}

/**
 * A host is hot when k of its last n samples and the forecast of the next are above the threshold (Wood et al., Sandpiper, NSDI
 * 2007, 4.1), and stays so until its mean is a margin below. `hotBefore`: hosts that were hot at the last look.
 */
export function judgeHosts(history: LoadHistory, policy: Policy, hotBefore: ReadonlySet<string>): Map<string, HeatEvidence> {
  return new Map([...history.loads].map(([host, series]) => {
    const last = series.slice(-policy.lastOf)
    const there = last.filter(load => load !== null)
    const evidence = {
      load: series.at(-1) ?? null,
      mean: there.length > 0 ? there.reduce((sum, load) => sum + load, 0) / there.length : null,
      forecast: forecast(series),
      above: there.filter(load => load > policy.hotShare).length,
      heard: there.length,
    }
    const heat = history.samples < policy.warmUp ? 'warmingUp' : heatOf(policy, hotBefore.has(host), evidence)
    return [host, { heat, ...evidence }]
  }))
}
