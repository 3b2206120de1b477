/** One migration that the autopilot has decided on: the engine's own, with its pre-check, recorded as any run is. */
import type { MigrationCost } from '../../../shared/model/autopilot/migrationCost.ts'
import type { Move } from '../../../shared/model/autopilot/planner.ts'
import type { Encoding } from '../../../shared/model/encoding.ts'
import type { FinishedRun, Link } from '../../../shared/model/run.ts'
import type { KnownHost } from '../hosts/hostRegistry.ts'
import type { LabGuest } from '../lab/types.ts'
import type { CancelAnswer } from '../migration/migrate.ts'
import type { RaceResult } from '../migration/race.ts'
import type { MigrationTiming } from '../migration/timing.ts'
import type { RunStore } from '../runs/runStore.ts'
import { me2Leg } from '../../../shared/model/raceOrder.ts'
import { startRace } from '../migration/race.ts'
import { knownAddresses, labGuestFacts } from '../migration/raceFacts.ts'

export interface MoveSettings {
  encoding: Encoding
  link: Link
  rateMbit: number | null
  verify: boolean
  scrub: boolean
}

export interface MoveOptions {
  move: Move
  from: KnownHost
  to: KnownHost
  /** What the lab knows of it. */
  labGuest: LabGuest | null
  settings: MoveSettings
  owner: string
  runs: RunStore
  timing: MigrationTiming
  onProgress: (progress: MoveProgress) => void
  /** A run has begun or ended. */
  onRun: () => void
}

export interface MoveProgress {
  phase: string | null
  linkBytes: number
}

export interface MoveEnd {
  outcome: 'migrated' | 'refused' | 'aborted' | 'failed' | 'unknown'
  run: string | null
  cost: MigrationCost | null
  /** Where the guest is, or why it was not moved. */
  summary: string
}

export interface MoveJob {
  cancel: () => CancelAnswer
  end: Promise<MoveEnd>
}

function costOf({ result }: FinishedRun): MigrationCost | null {
  const { outcome, linkBytes, totalMs, downtimeMs } = result
  return outcome !== 'migrated' || totalMs === null || downtimeMs === null ? null : { bytes: linkBytes, ms: totalMs, downtimeMs }
}

function endOf({ runs: [run], problem }: RaceResult): MoveEnd {
  const why = [problem?.message, problem?.action].filter(Boolean).join(' ')
  // a host that could not be asked says nothing about the guest
  if (!run)
    return { outcome: problem?.code === 'precheck-failed' ? 'refused' : 'aborted', run: null, cost: null, summary: why }
  const { outcome, summary } = run.result
  return { outcome, run: run.id, cost: costOf(run), summary: problem ? `${summary} ${why}` : summary }
}

export function moveGuest({ move, from, to, labGuest, settings, owner, runs, timing, onProgress, onRun }: MoveOptions): MoveJob {
  const { encoding, rateMbit, ...others } = settings
  const job = startRace({
    kind: 'single',
    home: from.handle,
    away: to.handle,
    guest: move.guest,
    legs: [me2Leg(encoding, rateMbit)],
    ...others,
    withDisk: null,
    settleMs: 0,
    force: false,
    lab: from.lab,
    addresses: knownAddresses([from, to]),
    ...labGuestFacts(labGuest),
    owner, runs, timing,
    onEvent: (event) => {
      if (event.kind === 'run')
        onProgress({ phase: 'phase' in event.event ? event.event.phase : null, linkBytes: event.figures.linkBytes })
      if (event.kind === 'runStarted' || event.kind === 'runEnded')
        onRun()
    },
  })
  return { cancel: () => job.cancel(), end: job.result.then(endOf) }
}
