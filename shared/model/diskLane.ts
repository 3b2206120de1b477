/** What a lane shows of the disk that goes along: a fold over the source's messages. Blocks are of 4096 bytes. */
import type { AgentMessage, DiskMessage } from '../agent/messages.ts'

/** `prepare`: the guest syncs, its file systems are read. `copy`: passes while it runs. `compare`: the disk is read again, for its writes are not traced. `final`: the last, while it is paused. `done`: the target has it. */
export const diskLanePhases = ['prepare', 'copy', 'compare', 'final', 'verify', 'done', 'dropped'] as const
export type DiskLanePhase = typeof diskLanePhases[number]

/** Blocks by how they travelled. */
export type DiskFates = Pick<DiskMessage, 'constant' | 'encoded' | 'raw' | 'delta' | 'reference'>

export interface DiskLane {
  phase: DiskLanePhase
  /** Of the whole disk. */
  blocks: number
  /** Not sent: free for the guest's file systems. */
  leftOut: number
  /** Why none is; null where the disk was explored. */
  notExplored: string | null
  /** Why the guest is paused while all of the disk is read; null where its writes are traced. */
  notTraced: string | null
  /** Of the pass that goes on. */
  pass: number
  done: number
  planned: number
  /** In all passes. */
  sent: number
  linkBytes: number
  fates: DiskFates
  finalMs: number | null
}

const noFates: DiskFates = { constant: 0, encoded: 0, raw: 0, delta: 0, reference: 0 }

function withDisk(lane: DiskLane, message: DiskMessage): DiskLane {
  const { phase, pass, done, planned, blocks, linkBytes, constant, encoded, raw, delta, reference } = message
  if (linkBytes < lane.linkBytes)
    return lane
  return { ...lane, phase, pass, done, planned, sent: blocks, linkBytes, fates: { constant, encoded, raw, delta, reference } }
}

const emptyLane: DiskLane = { phase: 'prepare', blocks: 0, leftOut: 0, notExplored: null, notTraced: null, pass: 0, done: 0, planned: 0, sent: 0, linkBytes: 0, fates: noFates, finalMs: null }

/** The lane with one more message; null until a disk is heard of. The argument is not changed. */
export function addDiskEvent(lane: DiskLane | null, message: AgentMessage): DiskLane | null {
  if (lane === null && message.t !== 'diskStart' && message.t !== 'disk')
    return null
  const known = lane ?? emptyLane
  if (message.t === 'diskStart')
    return { ...known, phase: 'copy', blocks: message.blocks, leftOut: message.leftOut, notExplored: message.notExplored, notTraced: message.notTraced }
  if (message.t === 'diskTracking')
    return { ...known, leftOut: 0, notTraced: message.notTraced }
  if (message.t === 'disk')
    return withDisk(known, message)
  if (message.t === 'diskFinal')
    return { ...known, phase: 'done', leftOut: message.leftOut, finalMs: message.ms }
  if (message.t === 'diskDone')
    return { ...known, phase: message.kept ? 'done' : 'dropped', linkBytes: message.linkBytes, sent: message.blocks }
  return known
}
