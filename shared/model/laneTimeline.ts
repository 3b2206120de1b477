/** What a lane did when, as segments from left to right. */
import type { LaneState, Segment } from './lane.ts'

/** Before pages flow: connecting, and with ME2 looking at the guest's kernel somewhere in it. */
function opening(lane: LaneState, untilMs: number, open: boolean): Segment[] {
  const exploredMs = lane.figures.explored?.ms ?? null
  const exploreEndMs = exploredMs === null ? null : lane.startedMs
  if (exploredMs === null || exploreEndMs === null) {
    const exploreStartMs = lane.phase === 'explore' ? lane.precopyMs : null
    return exploreStartMs === null
      ? [{ kind: 'connect', startMs: 0, endMs: untilMs, open }]
      : [{ kind: 'connect', startMs: 0, endMs: exploreStartMs, open: false }, { kind: 'explore', startMs: exploreStartMs, endMs: untilMs, open }]
  }
  const exploreStartMs = Math.max(0, exploreEndMs - exploredMs)
  return [
    { kind: 'connect', startMs: 0, endMs: exploreStartMs, open: false },
    { kind: 'explore', startMs: exploreStartMs, endMs: exploreEndMs, open: false },
    { kind: 'connect', startMs: exploreEndMs, endMs: Math.max(exploreEndMs, untilMs), open },
  ]
}

function rounds(lane: LaneState): Segment[] {
  const over = lane.rounds.map(({ number, pages, startMs, endMs }): Segment => ({ kind: 'round', round: number, pages, startMs, endMs, open: false }))
  const { openRound } = lane
  if (!openRound)
    return over
  return [...over, { kind: 'round', round: openRound.index + 1, pages: null, startMs: openRound.startMs, endMs: lane.doneMs ?? lane.nowMs, open: lane.doneMs === null }]
}

function pause({ suspendedMs, unpausedMs, doneMs, nowMs }: LaneState): Segment[] {
  if (suspendedMs === null)
    return []
  const endMs = unpausedMs ?? doneMs
  return [{ kind: 'pause', startMs: suspendedMs, endMs: endMs ?? nowMs, open: endMs === null }]
}

function afterwards({ unpausedMs, verifiedMs, nowMs, phase }: LaneState): Segment[] {
  if (unpausedMs === null)
    return []
  const verifyEndMs = verifiedMs ?? (phase === 'verify' ? nowMs : unpausedMs)
  return [
    ...(verifyEndMs > unpausedMs ? [{ kind: 'verify', startMs: unpausedMs, endMs: verifyEndMs, open: verifiedMs === null } as const] : []),
    ...(nowMs > verifyEndMs ? [{ kind: 'target', startMs: verifyEndMs, endMs: nowMs, open: phase !== 'ended' } as const] : []),
  ]
}

export function timelineOf(lane: LaneState): Segment[] {
  if (lane.zeroAtMs === null)
    return []
  const roundSegments = rounds(lane)
  const pagesFrom = roundSegments[0]?.startMs ?? null
  const endMs = pagesFrom ?? lane.doneMs ?? lane.nowMs
  return [...opening(lane, endMs, pagesFrom === null && lane.doneMs === null), ...roundSegments, ...pause(lane), ...afterwards(lane)]
}
