/** What `race --json` prints: a race as one document of plain data. Byte counts, milliseconds; ratios are ME2 ÷ stock. */
import type { Preset } from './encoding.ts'
import type { FairnessItem } from './fairness.ts'
import type { RaceRatio, RaceRow } from './raceTable.ts'
import type { FinishedRun, HostFacts, RunProblem, RunResult, RunSettings } from './run.ts'
import { encodingOf, presetOf } from './encoding.ts'
import { fairness } from './fairness.ts'
import { raceRatio, raceTable } from './raceTable.ts'

export interface RaceDocument {
  race: string
  lab: FinishedRun['lab'] | null
  guest: FinishedRun['guest'] | null
  hosts: HostFacts[]
  settings: Omit<RunSettings, 'mode'> & { preset: Preset | null } | null
  runs: DocumentRun[]
  ratio: RaceRatio
  table: RaceRow[]
  fairness: FairnessItem[]
  /** Only where the race did not come to its end. */
  error?: RunProblem
}

export interface DocumentRun extends Pick<RunSettings, 'mode' | 'encoder' | 'level' | 'cacheMiB' | 'rateMbit'>, Omit<RunResult, 'endedAt'> {
  id: string
  from: string
  to: string
  startedAt: string
}

export function documentRun({ id, startedAt, from, to, settings: { mode, encoder, level, cacheMiB, rateMbit }, result: { endedAt: _, ...result } }: FinishedRun): DocumentRun {
  return { id, startedAt, mode, encoder, level, cacheMiB, rateMbit, from: from.name, to: to.name, ...result }
}

/** The settings that all runs share; the encoder is that of the ME2 runs. */
function commonSettings(runs: readonly FinishedRun[]): RaceDocument['settings'] {
  const first = runs.find(run => run.settings.encoder !== null) ?? runs[0]
  if (!first)
    return null
  const { mode: _, ...settings } = first.settings
  const encoding = encodingOf(first.settings)
  return { ...settings, preset: encoding && presetOf(encoding) }
}

export function raceDocument(race: { id: string, runs: readonly FinishedRun[], problem: RunProblem | null }): RaceDocument {
  const { id, runs, problem } = race
  const first = runs[0]
  return {
    race: id,
    lab: first?.lab ?? null,
    guest: first?.guest ?? null,
    hosts: first ? [first.from, first.to] : [],
    settings: commonSettings(runs),
    runs: runs.map(documentRun),
    ratio: raceRatio(runs),
    table: raceTable(runs),
    fairness: fairness(runs),
    ...(problem ? { error: problem } : {}),
  }
}
