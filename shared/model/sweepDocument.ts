/** What `race --sweep --json` prints: byte counts, milliseconds; ratios are over stock at the same rate. */
import type { DocumentRun } from './raceDocument.ts'
import type { FinishedRun, HostFacts, RunProblem, RunSettings } from './run.ts'
import type { SweepTable } from './sweep.ts'
import { documentRun } from './raceDocument.ts'
import { sweepTable } from './sweep.ts'

export interface SweepDocument extends SweepTable {
  sweep: string
  lab: FinishedRun['lab'] | null
  guest: FinishedRun['guest'] | null
  hosts: HostFacts[]
  /** What all runs share. */
  settings: Pick<RunSettings, 'link' | 'verify' | 'scrub' | 'settleMs'> | null
  runs: DocumentRun[]
  /** Only where the sweep did not come to its end. */
  error?: RunProblem
}

function sharedSettings({ settings: { link, verify, scrub, settleMs } }: FinishedRun): SweepDocument['settings'] {
  return { link, verify, scrub, settleMs }
}

export function sweepDocument({ id, runs, problem }: { id: string, runs: readonly FinishedRun[], problem: RunProblem | null }): SweepDocument {
  const first = runs[0]
  return {
    sweep: id,
    lab: first?.lab ?? null,
    guest: first?.guest ?? null,
    hosts: first ? [first.from, first.to] : [],
    settings: first ? sharedSettings(first) : null,
    ...sweepTable(runs),
    runs: runs.map(documentRun),
    ...(problem ? { error: problem } : {}),
  }
}
