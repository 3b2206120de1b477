/** Encodes map frames as the agent does (resources/agent/PROTOCOL.md), for the decoder's tests. */
import { Buffer } from 'node:buffer'
import { crc32c } from '../../../shared/agent/crc32c.ts'

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [value % 0x80 | 0x80, ...varint(Math.floor(value / 0x80))]
}

/** `frames` may be a lie, as a hostile host's would be. */
export function frameOf(kind: number, frames: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(40)
  header.writeUInt32LE(0x4D32454D, 0)
  header.writeUInt8(kind, 4)
  header.writeUInt32LE(payload.length, 8)
  header.writeUInt32LE(crc32c(payload), 12)
  header.writeBigUInt64LE(5n, 24)
  header.writeBigUInt64LE(BigInt(frames), 32)
  return Buffer.concat([header, payload])
}

export function snapshotFrame(classes: readonly number[]): Uint8Array {
  const runs: { count: number, classNumber: number }[] = []
  for (const classNumber of classes) {
    const last = runs.at(-1)
    if (last?.classNumber === classNumber)
      last.count++
    else
      runs.push({ count: 1, classNumber })
  }
  return frameOf(1, classes.length, Uint8Array.from(runs.flatMap(({ count, classNumber }) => [...varint(count), classNumber])))
}

/** Runs as a disk has them: too many blocks for an array of their classes. */
export function runsFrame(blocks: number, runs: readonly { count: number, classNumber: number }[]): Uint8Array {
  return frameOf(1, blocks, Uint8Array.from(runs.flatMap(({ count, classNumber }) => [...varint(count), classNumber])))
}

export function deltaFrame(frames: number, runs: readonly { skip: number, count: number, classNumber: number }[]): Uint8Array {
  return frameOf(2, frames, Uint8Array.from(runs.flatMap(({ skip, count, classNumber }) => [...varint(skip), ...varint(count), classNumber])))
}

export function writtenFrame(frames: number, sweepMs: number, runs: readonly { skip: number, count: number }[]): Uint8Array {
  return frameOf(3, frames, Uint8Array.from([...varint(sweepMs), ...runs.flatMap(({ skip, count }) => [...varint(skip), ...varint(count), 0])]))
}
