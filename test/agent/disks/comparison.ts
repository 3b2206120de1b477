/** The agent's map of a disk beside what the file systems' own tools say, block by block. */
import type { DiskMap } from './agentMap.ts'
import type { FileSystemTruth, Range } from './truth.ts'
import { diskBlockBytes } from '../../../shared/model/diskClass.ts'
import { diskClass } from './agentMap.ts'

/** Bytes [at, at + bytes) of a file system are at `offset` of the disk. */
export interface Segment {
  at: number
  offset: number
  bytes: number
}

export interface PlacedTruth {
  truth: FileSystemTruth
  /** Without: the file system begins where the disk does. */
  segments?: Segment[]
}

export interface Comparison {
  blocks: number
  used: number
  /** Used, and the agent calls it free: data would be lost. */
  missed: number
  free: number
  recognised: number
}

function onDisk([start, end]: Range, segments: Segment[]): Range[] {
  return segments.flatMap(({ at, offset, bytes }): Range[] => {
    const from = Math.max(start, at)
    const to = Math.min(end, at + bytes)
    return from < to ? [[from - at + offset, to - at + offset]] : []
  })
}

/** 1 for each block of the disk that lies within free space as a whole. Whatever is in no file system is not free. */
function freeBlocks(blocks: number, placed: PlacedTruth[], otherFree: Range[]): Uint8Array {
  const free = new Uint8Array(blocks)
  const ranges = placed.flatMap(({ truth, segments = [{ at: 0, offset: 0, bytes: truth.bytes }] }) => truth.free.flatMap(range => onDisk(range, segments)))
  for (const [start, end] of [...ranges, ...otherFree])
    free.fill(1, Math.ceil(start / diskBlockBytes), Math.max(Math.ceil(start / diskBlockBytes), Math.floor(end / diskBlockBytes)))
  return free
}

/** `otherFree`: bytes of the disk that no file system owns and that are free all the same (LVM). */
export function compare(map: DiskMap, placed: PlacedTruth[], otherFree: Range[] = []): Comparison {
  const truth = freeBlocks(map.classes.length, placed, otherFree)
  const comparison = { blocks: truth.length, used: 0, missed: 0, free: 0, recognised: 0 }
  map.classes.forEach((value, block) => {
    const calledFree = value === diskClass.free
    const isFree = truth[block] === 1
    comparison[isFree ? 'free' : 'used']++
    if (calledFree)
      comparison[isFree ? 'recognised' : 'missed']++
  })
  return comparison
}

export function comparisonTable(rows: readonly { name: string, comparison: Comparison }[]): string {
  const header = ['disk', 'blocks', 'used', 'found', 'missed', 'free', 'recognised', '']
  const lines = rows.map(({ name, comparison: { blocks, used, missed, free, recognised } }) =>
    [name, blocks, used, used - missed, missed, free, recognised, `${(100 * recognised / free).toFixed(3)}%`].map(String))
  const widths = header.map((title, column) => Math.max(title.length, ...lines.map(line => line[column]!.length)))
  return [header, ...lines]
    .map(cells => cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join('  '))
    .join('\n')
}
