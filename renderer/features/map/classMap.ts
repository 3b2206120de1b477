/**
 * A map: the class of each frame (scheme.ts), what the painters draw of it (texels), counts, a kept snapshot and what has
 * changed since, and frames found written. Plain typed arrays, outside Vue; counts are kept as classes change.
 */
import type { MapRun } from '../../../shared/agent/mapFrame.ts'
import type { MapLayout } from './hilbert.ts'

/** A texel's first byte: class in the low four bits, this bit where it differs from the kept snapshot. */
export const changedBit = 0x80
export const classMask = 0x0F
/** Class of a cell that no frame lies in. */
export const noFrame = 15

/** A tile is 64 × 64 cells, which are 4096 frames in a row. */
export const tileSide = 64
const tileFrameShift = 12

/** A frame found written shows this long. */
export const writtenShownMs = 1500
/** A texel's second byte names the message that told of the write; 0 is none. */
export const writtenSlots = 16

export interface Run {
  first: number
  count: number
  classNumber: number
}

/** Frames that went from one class to another since the snapshot. */
export interface ClassMove {
  from: number
  to: number
  frames: number
}

interface WrittenBatch {
  slot: number
  seenAtMs: number
  runs: readonly MapRun[]
}

export class ClassMap {
  readonly layout: MapLayout
  readonly classes: Uint8Array
  /** Two bytes a cell, row by row: class and changed bit, slot of the last write. */
  readonly texels: Uint8Array
  readonly counts: Uint32Array
  /** Tiles whose texels have changed since a painter took them; `first frame >> 12`. */
  readonly touched = new Set<number>()
  /** When `keep` was called, wall clock; null: nothing is kept. */
  keptAt: Date | null = null
  /** Frames that show as written now. */
  writtenFrames = 0

  private kept: Uint8Array | null = null
  private readonly classCount: number
  private readonly moves: Uint32Array
  private readonly batches: WrittenBatch[] = []
  private nextSlot = 1
  /** Host's milliseconds of the last write seen, by frame, shifted so that 0 is never. */
  private lastWritten: Float64Array | null = null

  constructor(layout: MapLayout, classes: Uint8Array, classCount: number) {
    this.layout = layout
    this.classes = classes
    this.classCount = classCount
    this.counts = new Uint32Array(classCount)
    this.moves = new Uint32Array(classCount * classCount)
    this.texels = new Uint8Array(layout.columns * layout.rows * 2)
    for (let at = 0; at < this.texels.length; at += 2)
      this.texels[at] = noFrame
    for (let frame = 0; frame < classes.length; frame++) {
      const classNumber = this.knownClass(classes[frame]!)
      classes[frame] = classNumber
      this.counts[classNumber]!++
      this.texels[2 * layout.cells[frame]!] = classNumber
    }
    this.touchAll()
  }

  get frames(): number {
    return this.layout.frames
  }

  /** A class that this version does not know counts as unknown: a newer agent may have appended one. */
  private knownClass(value: number): number {
    return value < this.classCount ? value : 0
  }

  private touchAll(): void {
    for (let tile = 0; tile << tileFrameShift < this.frames; tile++)
      this.touched.add(tile)
  }

  private put(frame: number, classNumber: number): void {
    const before = this.classes[frame]!
    if (before === classNumber)
      return
    this.counts[before]!--
    this.counts[classNumber]!++
    this.classes[frame] = classNumber
    this.texels[2 * this.layout.cells[frame]!] = classNumber | this.moved(frame, before, classNumber)
    this.touched.add(frame >>> tileFrameShift)
  }

  /** Returns the changed bit. */
  private moved(frame: number, before: number, now: number): number {
    if (!this.kept)
      return 0
    const from = this.kept[frame]!
    this.moves[from * this.classCount + before]!--
    this.moves[from * this.classCount + now]!++
    return from === now ? 0 : changedBit
  }

  apply(runs: Iterable<MapRun>): void {
    for (const { first, count, classNumber } of runs) {
      const known = this.knownClass(classNumber)
      for (let frame = first; frame < first + count; frame++)
        this.put(frame, known)
    }
  }

  /** A whole new look at the same guest: what is kept stays. */
  replace(classes: Uint8Array): void {
    for (let frame = 0; frame < this.frames; frame++)
      this.put(frame, this.knownClass(classes[frame]!))
  }

  /** The frames in a row that have the class of this one. */
  runAt(frame: number): Run {
    const classNumber = this.classes[frame]!
    let first = frame
    while (first > 0 && this.classes[first - 1] === classNumber)
      first--
    let end = frame + 1
    while (end < this.frames && this.classes[end] === classNumber)
      end++
    return { first, count: end - first, classNumber }
  }

  keep(at: Date): void {
    this.kept = this.classes.slice()
    this.keptAt = at
    this.moves.fill(0)
    for (let classNumber = 0; classNumber < this.classCount; classNumber++)
      this.moves[classNumber * this.classCount + classNumber] = this.counts[classNumber]!
    for (let at = 0; at < this.texels.length; at += 2)
      this.texels[at]! &= ~changedBit
    this.touchAll()
  }

  /** Class of the frame in the kept snapshot; null: nothing is kept. */
  keptClass(frame: number): number | null {
    return this.kept?.[frame] ?? null
  }

  /** Most frames first. */
  changes(): ClassMove[] {
    const moves = Array.from(this.moves, (frames, index) => ({ from: Math.floor(index / this.classCount), to: index % this.classCount, frames }))
    return moves.filter(({ from, to, frames }) => from !== to && frames > 0).sort((a, b) => b.frames - a.frames)
  }

  /** `hostMs`: the host's clock; `nowMs`: ours, for how long it shows. */
  markWritten(runs: Iterable<MapRun>, hostMs: number, nowMs: number): void {
    this.lastWritten ??= new Float64Array(this.frames)
    const batch = { slot: this.takeSlot(), seenAtMs: nowMs, runs: [...runs] }
    for (const { first, count } of batch.runs) {
      this.lastWritten.fill(hostMs + 1, first, first + count)
      for (let frame = first; frame < first + count; frame++)
        this.setSlot(frame, batch.slot)
    }
    this.batches.push(batch)
  }

  /** The oldest batch gives its slot up when all are taken. */
  private takeSlot(): number {
    const slot = this.nextSlot
    this.nextSlot = slot === writtenSlots - 1 ? 1 : slot + 1
    const index = this.batches.findIndex(batch => batch.slot === slot)
    if (index >= 0)
      this.clear(this.batches.splice(index, 1)[0]!)
    return slot
  }

  private setSlot(frame: number, slot: number): void {
    const at = 2 * this.layout.cells[frame]! + 1
    this.writtenFrames += Number(slot > 0) - Number(this.texels[at]! > 0)
    this.texels[at] = slot
    this.touched.add(frame >>> tileFrameShift)
  }

  private clear({ slot, runs }: WrittenBatch): void {
    for (const { first, count } of runs) {
      for (let frame = first; frame < first + count; frame++) {
        if (this.texels[2 * this.layout.cells[frame]! + 1] === slot)
          this.setSlot(frame, 0)
      }
    }
  }

  /** Takes away what has shown long enough. Returns whether anything still shows. */
  expire(nowMs: number): boolean {
    while (this.batches[0] && nowMs - this.batches[0].seenAtMs >= writtenShownMs)
      this.clear(this.batches.shift()!)
    return this.batches.length > 0
  }

  /** How strongly each slot shows now, 0 … 1. `fading` false: fully until it goes. */
  writtenStrengths(nowMs: number, fading: boolean): Float32Array {
    const strengths = new Float32Array(writtenSlots)
    for (const { slot, seenAtMs } of this.batches)
      strengths[slot] = fading ? Math.max(0, 1 - (nowMs - seenAtMs) / writtenShownMs) : 1
    return strengths
  }

  /** Of the host's clock. Null: not seen written since the map was opened. */
  lastWrittenMs(frame: number): number | null {
    const stamp = this.lastWritten?.[frame] ?? 0
    return stamp === 0 ? null : stamp - 1
  }
}
