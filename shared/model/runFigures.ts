/**
 * What a run's messages add up to so far: a fold over its events, used live, for the result, and in a replay.
 * Totals come from the newest message that states them.
 */
import type { AgentMessage, HeartbeatMessage, HeartbeatSummaryMessage, MigrateDoneMessage, RoundMessage } from '../agent/messages.ts'
import type { DiskResult, Round, RunResult } from './run.ts'
import type { Side } from './runEvent.ts'

/** One host's ear on the guest's heartbeat. */
interface HeartbeatFigures {
  received: number
  largestGapMs: number
  /** Known once the listener has ended. */
  lost: number | null
  /** The guest's own counts since it was started. */
  bad: number
  checked: number
}

export interface RunFigures extends Pick<RunResult, 'explored' | 'notExplored' | 'streamBytes' | 'linkBytes' | 'totalMs' | 'downtimeMs' | 'downtimeTransferMs' | 'rounds' | 'encoding' | 'swept' | 'verify' | 'disk'> {
  cpuMs: NonNullable<RunResult['cpuMs']>
  /** The point of no return is behind us. */
  goAhead: boolean
  unpaused: boolean
  heartbeat: Record<Side, HeartbeatFigures | null>
  /** As `heartbeat`, when the guest was unpaused. */
  heartbeatAtUnpaused: RunFigures['heartbeat'] | null
}

const maxRounds = 256

export const noFigures: RunFigures = {
  explored: null,
  notExplored: null,
  streamBytes: 0,
  linkBytes: 0,
  totalMs: null,
  downtimeMs: null,
  downtimeTransferMs: null,
  rounds: [],
  encoding: null,
  cpuMs: { source: null, target: null },
  swept: null,
  verify: null,
  disk: null,
  goAhead: false,
  unpaused: false,
  heartbeat: { source: null, target: null },
  heartbeatAtUnpaused: null,
}

export function isMigrateDone(message: AgentMessage): message is MigrateDoneMessage {
  return message.t === 'done' && message.here !== undefined
}

export function toRound({ pages, leftOut, constant, encoded, raw, delta, reference, streamBytes, linkBytes, ms, final }: RoundMessage): Round {
  return { pages, leftOut, constant, encoded, raw, delta, reference, streamBytes, linkBytes, ms, final }
}

function heard(figures: HeartbeatFigures | null, message: HeartbeatMessage | HeartbeatSummaryMessage): HeartbeatFigures {
  const gapMs = message.t === 'heartbeat' ? message.gapMs : message.largestGapMs
  return {
    received: message.received,
    largestGapMs: Math.max(figures?.largestGapMs ?? 0, gapMs),
    lost: message.t === 'heartbeat' ? null : message.lost,
    bad: Math.max(figures?.bad ?? 0, message.bad),
    checked: Math.max(figures?.checked ?? 0, message.checked),
  }
}

/** The larger of what the two hosts heard; null if neither listened. */
function mostHeard(heartbeat: RunFigures['heartbeat'], what: 'bad' | 'checked'): number | null {
  const ears = [heartbeat.source, heartbeat.target].filter(ear => ear !== null)
  return ears.length === 0 ? null : Math.max(...ears.map(ear => ear[what]))
}

/** True once a host has heard the guest since it was unpaused. */
export function heartbeatIsBack({ heartbeat, heartbeatAtUnpaused: before }: RunFigures): boolean {
  return (['source', 'target'] as const).some(side => (heartbeat[side]?.received ?? 0) > (before?.[side]?.received ?? 0))
}

function checkedAfter({ heartbeat, heartbeatAtUnpaused }: RunFigures): number | null {
  const before = heartbeatAtUnpaused && mostHeard(heartbeatAtUnpaused, 'checked')
  const now = mostHeard(heartbeat, 'checked')
  return before === null || now === null ? null : now - before
}

function addHeartbeat(figures: RunFigures, side: Side, message: HeartbeatMessage | HeartbeatSummaryMessage): RunFigures {
  return { ...figures, heartbeat: { ...figures.heartbeat, [side]: heard(figures.heartbeat[side], message) } }
}

function addDiskMessage(disk: DiskResult | null, message: AgentMessage): DiskResult | null {
  if (message.t === 'diskStart') {
    const { bytes, leftOut, notExplored, tracked, notTraced } = message
    return { bytes, leftOut, notExplored, tracked, notTraced, blocks: 0, linkBytes: 0, passes: 0, final: null, verify: null, kept: false }
  }
  if (!disk)
    return null
  if (message.t === 'diskTracking')
    return { ...disk, tracked: message.tracked, notTraced: message.notTraced }
  if (message.t === 'disk')
    return { ...disk, blocks: message.blocks, linkBytes: message.linkBytes, passes: message.pass }
  if (message.t === 'diskFinal')
    return { ...disk, leftOut: message.leftOut, final: { blocks: message.blocks, takenIn: message.takenIn, ms: message.ms } }
  if (message.t === 'diskVerify')
    return { ...disk, verify: { compared: message.compared, differing: message.differing, inFlight: message.inFlight } }
  if (message.t === 'diskDone') {
    const { kept, leftOut, blocks, linkBytes, passes } = message
    return { ...disk, kept, leftOut, blocks, linkBytes, passes }
  }
  return disk
}

function addSourceMessage(figures: RunFigures, message: AgentMessage): RunFigures {
  if (message.t === 'start')
    return { ...figures, explored: message.explored, notExplored: message.notExplored }
  if (message.t === 'progress')
    return { ...figures, streamBytes: message.streamBytes, linkBytes: message.linkBytes }
  if (message.t === 'round' && figures.rounds.length < maxRounds)
    return { ...figures, rounds: [...figures.rounds, toRound(message)] }
  if (message.t === 'swept')
    return { ...figures, swept: { leftOut: message.leftOut, resent: message.resent } }
  if (message.t === 'verify')
    return { ...figures, verify: { compared: message.compared, differing: message.differing, ioBuffers: message.ioBuffers } }
  if (message.t === 'unpaused')
    return { ...figures, unpaused: message.status === 0, heartbeatAtUnpaused: figures.heartbeat }
  if (message.t === 'encoding')
    return { ...figures, encoding: { by: message.by, cache: message.cache } }
  if (isMigrateDone(message))
    return addDone(figures, message)
  const disk = addDiskMessage(figures.disk, message)
  return disk === figures.disk ? figures : { ...figures, disk }
}

function addDone(figures: RunFigures, { streamBytes, linkBytes, totalMs, downtimeMs, downtimeTransferMs, cpuMs }: MigrateDoneMessage): RunFigures {
  return { ...figures, streamBytes, linkBytes, totalMs, downtimeMs, downtimeTransferMs, cpuMs: { ...figures.cpuMs, source: cpuMs } }
}

/** Of the target only what it alone knows: the totals are the source's. */
function addTargetMessage(figures: RunFigures, message: AgentMessage): RunFigures {
  return message.t === 'done' && 'streamBytes' in message && !isMigrateDone(message) ? { ...figures, cpuMs: { ...figures.cpuMs, target: message.cpuMs } } : figures
}

/** The figures with one more message; the argument is not changed. */
export function addMessage(figures: RunFigures, side: Side, message: AgentMessage): RunFigures {
  if (message.t === 'heartbeat' || message.t === 'heartbeatSummary')
    return addHeartbeat(figures, side, message)
  if (message.t === 'goAhead')
    return { ...figures, goAhead: true }
  return side === 'source' ? addSourceMessage(figures, message) : addTargetMessage(figures, message)
}

/** The part of a run's result that its messages decide. */
export function resultFigures(figures: RunFigures): Omit<RunResult, 'outcome' | 'problem' | 'summary' | 'endedAt' | 'where' | 'leftovers'> {
  const { explored, notExplored, streamBytes, linkBytes, totalMs, downtimeMs, downtimeTransferMs, rounds, encoding, cpuMs, swept, verify, disk } = figures
  const { source, target } = figures.heartbeat
  return {
    explored, notExplored, streamBytes, linkBytes, totalMs, downtimeMs, downtimeTransferMs, rounds, encoding, swept, verify, disk,
    cpuMs: cpuMs.source || cpuMs.target ? cpuMs : null,
    heartbeatGapMs: source?.largestGapMs ?? null,
    heartbeatGapTargetMs: target?.largestGapMs ?? null,
    heartbeatsLost: source?.lost ?? target?.lost ?? null,
    guestBad: mostHeard(figures.heartbeat, 'bad'),
    guestCheckedAfter: checkedAfter(figures),
  }
}
