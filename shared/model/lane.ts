/**
 * One run as a race's lane: a fold over its events into what the screens draw, live and in a replay alike.
 *
 * Time is the console's clock (`atMs` of the events), and t = 0 is where the run's `connect` began: what comes before
 * (agents brought up) is the console's work in both modes. Should the log have lost that line, the source's first word
 * stands for it. Lengths (pause, rounds) are the agent's own, measured on one clock. Lines end where the guest runs again.
 *
 * Events may be lost or late: totals never go back, time never does either.
 */
import type { AgentMessage, HeartbeatMessage, ProgressMessage, RoundMessage } from '../agent/messages.ts'
import type { DiskLane } from './diskLane.ts'
import type { Mode, Round, Run } from './run.ts'
import type { RunEvent, Side } from './runEvent.ts'
import type { RunFigures } from './runFigures.ts'
import type { Point } from './series.ts'
import { addDiskEvent } from './diskLane.ts'
import { timelineOf } from './laneTimeline.ts'
import { pageBytes } from './pageClass.ts'
import { addMessage, noFigures, toRound } from './runFigures.ts'
import { addPoint } from './series.ts'

/** `disk`: a disk that goes along is copied. `explore`: ME2 reads the guest's kernel. `open`: xl begins its stream. `copy`: rounds while the guest runs. */
export const lanePhases = ['prepare', 'connect', 'disk', 'explore', 'open', 'copy', 'final', 'handshake', 'verify', 'settle', 'watch', 'ended'] as const
export type LanePhase = typeof lanePhases[number]

/** A round that is over. */
export interface LaneRound extends Round {
  /** From 1. */
  number: number
  startMs: number
  endMs: number
}

export interface Segment {
  /** `connect` is all that comes before pages flow, except `explore`. `target`: the guest runs there. */
  kind: 'connect' | 'explore' | 'round' | 'pause' | 'verify' | 'target'
  startMs: number
  endMs: number
  /** Only of rounds: from 1, and its pages once it is over. */
  round?: number
  pages?: number | null
  /** It goes on. */
  open: boolean
}

/** A silence of the guest's heartbeat, as long as its host measured it. */
export interface HeartbeatGap {
  startMs: number
  endMs: number
  ms: number
}

interface Ear {
  received: number
  /** When the guest was heard: one a message that counted new datagrams. */
  heardMs: number[]
  gaps: HeartbeatGap[]
}

export interface Fates {
  pages: number
  leftOut: number
  constant: number
  encoded: number
  raw: number
  delta: number
  reference: number
}

/** Set while a round goes on. */
interface OpenRound {
  index: number
  startMs: number
  /** Pages and bytes on the wire before it. */
  basePages: number
  baseLinkBytes: number
  /** Pages of it that were handled, over time. */
  handled: Point[]
}

export interface LaneState {
  run: Run
  mode: Mode
  phase: LanePhase
  /** `atMs` of t = 0; null until it is known. */
  zeroAtMs: number | null
  /** t of the newest event; 0 before t = 0. */
  nowMs: number
  /** Totals, rounds, verification and the guest's own counts, as the result will hold them. */
  figures: RunFigures
  /** The newest totals by fate, over all rounds. */
  fates: Fates
  /** Bytes on the wire over time, those of a disk that goes along included; y in bytes. */
  sent: Point[]
  /** Averaged over the last second; y in bytes a second. */
  rate: Point[]
  /**
   * Pages of the round that were not handled yet. What a round holds is told by its end only, so a round's line appears
   * then; the first round's is drawn as it goes, from the guest's size.
   */
  left: Point[]
  rounds: LaneRound[]
  openRound: OpenRound | null
  /** Pages in rounds that are over, and the link's bytes when the last of them ended. */
  closedPages: number
  closedLinkBytes: number
  precopyMs: number | null
  /** The source's `start`: transport up, guest explored. */
  startedMs: number | null
  suspendedMs: number | null
  unpausedMs: number | null
  /** The source's `done`. */
  doneMs: number | null
  verifiedMs: number | null
  suspendedNs: number | null
  /** Suspended to unpaused on the source's clock; null until then. */
  pauseMs: number | null
  ears: Record<Side, Ear>
  segments: Segment[]
  /** Null: no disk goes along. */
  disk: DiskLane | null
}

const rateWindowMs = 1000
/** Shorter silences are the emulator's, not the migration's; the agent reports ten times a second. */
const shortestGapMs = 300
const maxHeard = 4000
const maxGaps = 64
const quietEarMs = 3000

const noFates: Fates = { pages: 0, leftOut: 0, constant: 0, encoded: 0, raw: 0, delta: 0, reference: 0 }

/** A lane at the start of `run`, or of one that is only known by its end. */
export function laneOf(run: Run): LaneState {
  const ear = (): Ear => ({ received: 0, heardMs: [], gaps: [] })
  return {
    run, mode: run.settings.mode, phase: 'prepare', zeroAtMs: null, nowMs: 0, figures: noFigures, fates: noFates,
    sent: [], rate: [], left: [], rounds: [], openRound: null, closedPages: 0, closedLinkBytes: 0,
    precopyMs: null, startedMs: null, suspendedMs: null, unpausedMs: null, doneMs: null, verifiedMs: null, suspendedNs: null, pauseMs: null,
    ears: { source: ear(), target: ear() }, segments: [], disk: null,
  }
}

/** What may be changed in place without the old state seeing it. Points are never changed, so their lists are copied flat. */
function draftOf(lane: LaneState): LaneState {
  const copyEar = ({ received, heardMs, gaps }: Ear): Ear => ({ received, heardMs: [...heardMs], gaps: [...gaps] })
  return {
    ...lane,
    sent: [...lane.sent],
    rate: [...lane.rate],
    left: [...lane.left],
    rounds: [...lane.rounds],
    openRound: lane.openRound && { ...lane.openRound, handled: [...lane.openRound.handled] },
    ears: { source: copyEar(lane.ears.source), target: copyEar(lane.ears.target) },
  }
}

/** The first round goes over all of the guest's memory; of a later one nobody says beforehand how many pages it has. */
function pagesOfRound(lane: LaneState, index: number): number | null {
  return index === 0 ? Math.round(lane.run.guest.memoryBytes / pageBytes) : null
}

function addRate(lane: LaneState, tMs: number): void {
  const newest = lane.sent.at(-1)!
  let first = lane.sent.length - 1
  while (first > 0 && newest.x - lane.sent[first]!.x < rateWindowMs)
    first--
  const oldest = lane.sent[first]!
  const ms = newest.x - oldest.x
  if (ms >= rateWindowMs / 2)
    addPoint(lane.rate, tMs, (newest.y - oldest.y) / ms * 1000)
}

function openRound(lane: LaneState, index: number, startMs: number): OpenRound {
  lane.openRound = { index, startMs, basePages: lane.closedPages, baseLinkBytes: lane.closedLinkBytes, handled: [] }
  return lane.openRound
}

/** The line of a round with `pages` pages, from its start on. */
function leftPoints({ handled, startMs }: OpenRound, pages: number): Point[] {
  const points: Point[] = []
  addPoint(points, startMs, pages)
  for (const { x, y } of handled)
    addPoint(points, Math.max(x, startMs), Math.max(0, pages - y))
  return points
}

/** Over both links so far. */
function sentBytes({ figures, disk }: Pick<LaneState, 'figures' | 'disk'>): number {
  return figures.linkBytes + (disk?.linkBytes ?? 0)
}

function addSent(lane: LaneState, bytes: number, tMs: number): void {
  addPoint(lane.sent, tMs, bytes)
  addRate(lane, tMs)
}

function addProgress(lane: LaneState, message: ProgressMessage, tMs: number): void {
  const isLate = message.pages < lane.fates.pages || message.linkBytes < lane.figures.linkBytes
  if (isLate || lane.unpausedMs !== null)
    return
  const { pages, leftOut, constant, encoded, raw, delta, reference } = message
  addSent(lane, message.linkBytes + (lane.disk?.linkBytes ?? 0), tMs)
  if (lane.openRound && lane.openRound.index < message.round)
    loseRound(lane)
  lane.fates = { pages, leftOut, constant, encoded, raw, delta, reference }
  if (pages <= lane.closedPages)
    return
  const round = lane.openRound ?? openRound(lane, message.round, tMs)
  addPoint(round.handled, tMs, pages - round.basePages)
}

/** Its end was not told: what is known of it is what was handled. */
function loseRound(lane: LaneState): void {
  lane.closedPages = lane.fates.pages
  lane.closedLinkBytes = lane.figures.linkBytes
  lane.openRound = null
}

function addRound(lane: LaneState, message: RoundMessage, tMs: number): void {
  if ((lane.rounds.at(-1)?.number ?? 0) > message.round)
    return
  const earliestMs = lane.rounds.at(-1)?.endMs ?? 0
  const startMs = Math.max(earliestMs, tMs - message.ms)
  const open = lane.openRound ?? openRound(lane, message.round, startMs)
  if (lane.left.length === 0)
    addPoint(lane.left, 0, message.pages)
  for (const { x, y } of leftPoints({ ...open, startMs }, message.pages))
    addPoint(lane.left, x, y)
  addPoint(lane.left, tMs, 0)
  const { pages, linkBytes } = message
  lane.rounds.push({ ...toRound(message), number: message.round + 1, startMs, endMs: tMs })
  lane.closedPages = open.basePages + pages
  lane.closedLinkBytes = open.baseLinkBytes + linkBytes
  if (lane.closedPages > lane.fates.pages)
    lane.fates = sumOfFates(lane.rounds)
  lane.openRound = null
}

function sumOfFates(rounds: readonly Fates[]): Fates {
  return rounds.reduce((sum, round) => ({
    pages: sum.pages + round.pages,
    leftOut: sum.leftOut + round.leftOut,
    constant: sum.constant + round.constant,
    encoded: sum.encoded + round.encoded,
    raw: sum.raw + round.raw,
    delta: sum.delta + round.delta,
    reference: sum.reference + round.reference,
  }), noFates)
}

function hear(ear: Ear, { received, gapMs }: HeartbeatMessage, tMs: number): void {
  const isNew = received > ear.received
  ear.received = Math.max(ear.received, received)
  if (!isNew || tMs < 0)
    return
  const before = ear.heardMs.at(-1)
  if (before !== undefined && gapMs >= shortestGapMs)
    ear.gaps.push({ startMs: before, endMs: tMs, ms: gapMs })
  if (ear.gaps.length > maxGaps)
    ear.gaps.splice(ear.gaps.indexOf(ear.gaps.reduce((shortest, gap) => gap.ms < shortest.ms ? gap : shortest)), 1)
  ear.heardMs.push(tMs)
  if (ear.heardMs.length > maxHeard)
    ear.heardMs = ear.heardMs.filter((_, index) => index % 2 === 0)
}

function addSourceMessage(lane: LaneState, message: AgentMessage, tMs: number): void {
  if (message.t === 'start') {
    lane.startedMs ??= tMs
  }
  else if (message.t === 'progress') {
    addProgress(lane, message, tMs)
  }
  else if (message.t === 'round') {
    addRound(lane, message, tMs)
  }
  else if (message.t === 'suspended') {
    lane.suspendedMs ??= tMs
    lane.suspendedNs ??= message.ns
  }
  else if (message.t === 'unpaused' && message.status === 0) {
    unpause(lane, message.ns, tMs)
  }
  else if (message.t === 'verify') {
    lane.verifiedMs = tMs
  }
  else if (message.t === 'done') {
    lane.doneMs = tMs
  }
}

function unpause(lane: LaneState, ns: number, tMs: number): void {
  lane.unpausedMs ??= tMs
  if (lane.suspendedNs !== null)
    lane.pauseMs ??= Math.max(0, (ns - lane.suspendedNs) / 1e6)
  const last = lane.sent.at(-1)
  if (last)
    addPoint(lane.sent, tMs, last.y)
}

function addDisk(lane: LaneState, message: AgentMessage): void {
  lane.disk = addDiskEvent(lane.disk, message)
  if (message.t === 'disk' && lane.unpausedMs === null)
    addSent(lane, sentBytes(lane), lane.nowMs)
}

const migrateMessages: ReadonlySet<AgentMessage['t']> = new Set(['start', 'progress', 'round', 'suspended', 'unpaused'])

function startsClock(event: RunEvent): boolean {
  if ('phase' in event)
    return event.phase !== 'prepare'
  return 'message' in event && event.from === 'source' && migrateMessages.has(event.message.t)
}

function phaseOf(lane: LaneState, phase: Exclude<RunEvent, { message: unknown } | { note: unknown }>['phase']): LanePhase {
  return phase === 'precopy' ? 'open' : phase === 'prepare' && lane.phase !== 'prepare' ? lane.phase : phase
}

function refinePhase(lane: LaneState): void {
  if (lane.phase !== 'open' && lane.phase !== 'explore')
    return
  if (lane.fates.pages > 0)
    lane.phase = 'copy'
  else
    lane.phase = lane.mode === 'me2' && lane.startedMs === null ? 'explore' : 'open'
}

function apply(lane: LaneState, event: RunEvent): void {
  if (lane.zeroAtMs === null && startsClock(event))
    lane.zeroAtMs = event.atMs
  const tMs = lane.zeroAtMs === null ? -1 : event.atMs - lane.zeroAtMs
  lane.nowMs = Math.max(lane.nowMs, tMs)
  if ('phase' in event) {
    lane.phase = phaseOf(lane, event.phase)
    if (event.phase === 'precopy')
      lane.precopyMs ??= tMs
  }
  else if ('message' in event) {
    const { message, from } = event
    if (message.t === 'heartbeat')
      hear(lane.ears[from], message, tMs)
    else if (from === 'source')
      addSourceMessage(lane, message, lane.nowMs)
    if (from === 'source')
      addDisk(lane, message)
    lane.figures = addMessage(lane.figures, from, message)
  }
  refinePhase(lane)
}

/** The lane with more events; the argument is not changed. One call for many events costs one copy. */
export function addEvents(lane: LaneState, events: readonly RunEvent[]): LaneState {
  const draft = draftOf(lane)
  for (const event of events)
    apply(draft, event)
  draft.segments = timelineOf(draft)
  return draft
}

/** The lane of a run that has ended: its result says how. */
export function endLane(lane: LaneState, run: Run): LaneState {
  const ended: LaneState = { ...lane, run, phase: 'ended', pauseMs: run.result?.downtimeMs ?? lane.pauseMs }
  return { ...ended, segments: timelineOf(ended) }
}

/** Pages left in the round, the one that goes on included where its size is known. */
export function leftOver(lane: LaneState): readonly Point[] {
  const { openRound: open, left } = lane
  const pages = open && pagesOfRound(lane, open.index)
  if (!open || pages === null)
    return left
  return [...(left.length === 0 ? [{ x: 0, y: pages }] : left), ...leftPoints(open, pages)]
}

/** Pages of the running round that are left; null where nobody can say yet. 0 once the image is over. */
export function leftNow(lane: LaneState): number | null {
  const { openRound: open } = lane
  if (!open)
    return lane.rounds.length > 0 ? 0 : pagesOfRound(lane, 0)
  const pages = pagesOfRound(lane, open.index)
  return pages === null ? null : Math.max(0, pages - (open.handled.at(-1)?.y ?? 0))
}

/** From 1; null before the first page. */
export function roundNow(lane: LaneState): number | null {
  return lane.openRound ? lane.openRound.index + 1 : lane.rounds.at(-1)?.number ?? null
}

/** Pages a second that the guest wrote during each round: what the next one had to carry. The last round has no next one. */
export function dirtyRates(rounds: readonly Pick<Round, 'pages' | 'ms'>[]): (number | null)[] {
  return rounds.map(({ ms }, index) => {
    const next = rounds[index + 1]
    return next && ms > 0 ? next.pages / ms * 1000 : null
  })
}

/** Bytes a second now, or on average once the guest runs again (the lane's total over its time). */
export function rateNow(lane: LaneState): number | null {
  const { totalMs } = lane.figures
  if (totalMs !== null && totalMs > 0)
    return sentBytes(lane) / totalMs * 1000
  return lane.rate.at(-1)?.y ?? null
}

/** The host that heard the guest: the source, unless it never did or fell silent while the target went on. */
export function heartbeatOf(lane: LaneState): Ear {
  const { source, target } = lane.ears
  const lastAtSource = source.heardMs.at(-1) ?? -Infinity
  const lastAtTarget = target.heardMs.at(-1) ?? -Infinity
  return lastAtTarget - lastAtSource > quietEarMs ? target : source
}

/** The guest's longest silence as that host measured it, the one that goes on included; 0: none was heard of. */
export function longestGapMs(lane: LaneState): number {
  const side = heartbeatOf(lane) === lane.ears.source ? 'source' : 'target'
  return lane.figures.heartbeat[side]?.largestGapMs ?? 0
}

/** Where the race is over for this lane: the guest runs again; null until then. */
export function finishMs(lane: LaneState): number | null {
  return lane.unpausedMs ?? lane.doneMs
}

/** Until either end has said the go-ahead, the guest can stay where it is. */
export function canBeStopped(lane: LaneState): boolean {
  return lane.phase !== 'ended' && lane.doneMs === null && !lane.figures.goAhead
}

/** A page's payload on the wire by fate, in bytes; resources/agent/FORMAT.md has the sizes. */
export interface FateBytes {
  /** 0: only a few bytes for a whole run of them. */
  leftOut: number
  /** At most: a word each, and a zero page has none. */
  constant: number
  /** Encoded, delta and reference together: the rest of what the rounds sent, so with the headers of all batches. Null where there are none. */
  packed: number | null
  raw: number
}

const wordBytes = 8

export function fateBytes({ fates, closedLinkBytes, openRound: open, figures }: LaneState): FateBytes {
  const raw = fates.raw * pageBytes
  const constant = fates.constant * wordBytes
  const pageLinkBytes = open ? figures.linkBytes : closedLinkBytes
  const isPacked = fates.encoded + fates.delta + fates.reference > 0
  return { leftOut: 0, constant, packed: isPacked ? Math.max(0, pageLinkBytes - raw - constant) : null, raw }
}
