/** What was kept the same between the runs of a race. A difference does not forbid the comparison; it is named. */
import type { Run } from './run.ts'
import { encodingName, encodingOf } from './encoding.ts'
import { formatCap } from './format.ts'

export interface FairnessItem {
  code: FairnessCode
  same: boolean
  /** The values met, first seen first, each once; more than one is a difference. */
  values: string[]
}

export type FairnessCode = typeof comparisons[number]['code'] | 'directions'

/** Null where the run has no such thing: only ME2 encodes. */
const comparisons = [
  { code: 'guest', of: run => `${run.guest.name} (${run.guest.uuid})` },
  { code: 'hosts', of: run => [run.from.hostname, run.to.hostname].sort().join(' and ') },
  { code: 'versions', of: run => [run.from, run.to].map(host => `${host.hostname}: Xen ${host.xen}, agent ${host.agent}`).sort().join('; ') },
  { code: 'encoding', of: ({ settings }) => encodingOf(settings) && encodingName(encodingOf(settings)!) },
  { code: 'rate', of: run => formatCap(run.settings.rateMbit) },
  { code: 'link', of: run => run.settings.link },
  { code: 'vifScript', of: run => run.guest.vifScripts.join(', ') || 'no network interface' },
  { code: 'workload', of: run => run.guest.workload === null ? 'not known' : JSON.stringify(run.guest.workload) },
  { code: 'verify', of: run => run.settings.verify ? 'on' : 'off' },
  { code: 'scrub', of: run => run.settings.scrub ? 'on' : 'off' },
  { code: 'settle', of: run => `${run.settings.settleMs} ms` },
] as const satisfies readonly { code: string, of: (run: Run) => string | null }[]

/** How often each mode went each way; fair when all modes have the same numbers. */
function directions(runs: readonly Run[]): FairnessItem {
  const forwardFrom = runs[0]?.from.hostname
  const tallies = new Map<string, { forward: number, back: number }>()
  for (const run of runs) {
    const tally = tallies.get(run.settings.mode) ?? { forward: 0, back: 0 }
    tally[run.from.hostname === forwardFrom ? 'forward' : 'back'] += 1
    tallies.set(run.settings.mode, tally)
  }
  const values = new Set([...tallies.values()].map(({ forward, back }) => `${forward} forward, ${back} back`))
  return { code: 'directions', same: values.size <= 1, values: [...values] }
}

export function fairness(runs: readonly Run[]): FairnessItem[] {
  const items = comparisons.map(({ code, of }): FairnessItem => {
    const values = [...new Set(runs.map(of).filter(value => value !== null))]
    return { code, same: values.length <= 1, values }
  })
  return [...items, directions(runs)]
}
