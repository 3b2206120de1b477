/**
 * Decodes the binary frames of `agent map` (resources/agent/PROTOCOL.md, "map frames") from a stream of chunks.
 * The host is not trusted: sizes are bounded before anything is allocated, every payload must match its CRC-32C, and its
 * runs must fill exactly the frames announced. What breaks a rule throws `agent-protocol`.
 */
import { Me2Error } from '../errors.ts'
import { crc32c } from './crc32c.ts'

export interface MapSnapshot {
  kind: 'snapshot'
  sequence: number
  /** Monotonic clock of the host. */
  ns: number
  /** One class number (shared/model/pageClass.ts) a page frame, from frame 0. */
  classes: Uint8Array
  /** The same as the agent's runs (mapRuns.ts reads them), checked already. */
  runs: Uint8Array
}

export interface MapDelta {
  kind: 'delta'
  sequence: number
  ns: number
  /** Page frames of the guest, changed or not. */
  frames: number
  changes: MapRun[]
}

/** `count` frames from `first` that have one class. Of a disk's map frames are blocks. */
export interface MapRun {
  first: number
  count: number
  classNumber: number
}

/** Frames found written since they were last looked at; sent after a delta where it was asked for. */
export interface MapWritten {
  kind: 'written'
  sequence: number
  ns: number
  frames: number
  /** One look at all of memory takes this long; 0: not known yet. */
  sweepMs: number
  /** Their class is 0 and means nothing. */
  runs: MapRun[]
}

export type MapFrame = MapSnapshot | MapDelta | MapWritten

export const headerBytes = 40
const magic = 0x4D32454D
export const kindSnapshot = 1
const kindDelta = 2
const kindWritten = 3

/** 256 GiB of guest memory. */
const maxFrames = 2 ** 26
/** The longest honest run is a skip, a count and a class, one byte each, for a single frame. */
const maxPayloadBytesPerFrame = 3
/** The sweep's time at the start of a `written` frame. */
const maxVarintBytes = 5

interface Header {
  kind: number
  payloadBytes: number
  crc: number
  sequence: number
  ns: number
  frames: number
}

export function damaged(what: string): Me2Error {
  return new Me2Error('agent-protocol', `The agent sent a damaged map: ${what}.`, 'Start the map again; if it happens again, remove the agent from the host and let it be uploaded anew.')
}

/** Of the frame that `bytes` begin with. Throws where it has more than `mostFrames`. */
export function readHeader(bytes: Uint8Array, mostFrames: number): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  if (view.getUint32(0, true) !== magic)
    throw damaged('a frame does not start with its magic number')
  const header = {
    kind: view.getUint8(4),
    payloadBytes: view.getUint32(8, true),
    crc: view.getUint32(12, true),
    sequence: Number(view.getBigUint64(16, true)),
    ns: Number(view.getBigUint64(24, true)),
    frames: Number(view.getBigUint64(32, true)),
  }
  if (![kindSnapshot, kindDelta, kindWritten].includes(header.kind))
    throw damaged(`frame kind ${header.kind} is not known`)
  if (bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0)
    throw damaged('reserved bytes are in use')
  if (header.frames > mostFrames)
    throw damaged(`${header.frames} frames are more than ${mostFrames}`)
  if (header.payloadBytes > header.frames * maxPayloadBytesPerFrame + (header.kind === kindWritten ? maxVarintBytes : 0))
    throw damaged(`${header.payloadBytes} bytes are too many for ${header.frames} frames`)
  return header
}

/** Reads varints (LEB128, at most 5 bytes) and class bytes from a payload. */
class PayloadReader {
  private readonly bytes: Uint8Array
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.offset === this.bytes.length
  }

  get rest(): Uint8Array {
    return this.bytes.subarray(this.offset)
  }

  byte(): number {
    const value = this.bytes[this.offset++]
    if (value === undefined)
      throw damaged('a run is cut short')
    return value
  }

  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte()
      value += (byte & 0x7F) * scale
      if (byte < 0x80)
        return value
    }
    throw damaged('a number is too long')
  }
}

/** `skips`: each run has a leading count of frames to pass over. */
export function* readRuns(payload: Uint8Array, frames: number, skips: boolean): Generator<MapRun> {
  const reader = new PayloadReader(payload)
  let next = 0
  while (!reader.atEnd) {
    const first = next + (skips ? reader.varint() : 0)
    const count = reader.varint()
    const classNumber = reader.byte()
    if (count === 0 || first + count > frames)
      throw damaged('a run is empty or passes the end')
    yield { first, count, classNumber }
    next = first + count
  }
  if (!skips && next !== frames)
    throw damaged(`it ends at frame ${next} of ${frames}`)
}

export function checkPayload({ crc }: Header, payload: Uint8Array): void {
  if (crc32c(payload) !== crc)
    throw damaged('a checksum does not match')
}

function decode(header: Header, payload: Uint8Array): MapFrame {
  const { kind, sequence, ns, frames } = header
  checkPayload(header, payload)
  if (kind === kindDelta)
    return { kind: 'delta', sequence, ns, frames, changes: [...readRuns(payload, frames, true)] }
  if (kind === kindWritten) {
    const reader = new PayloadReader(payload)
    return { kind: 'written', sequence, ns, frames, sweepMs: reader.varint(), runs: [...readRuns(reader.rest, frames, true)] }
  }
  const classes = new Uint8Array(frames)
  for (const { first, count, classNumber } of readRuns(payload, frames, false))
    classes.fill(classNumber, first, first + count)
  return { kind: 'snapshot', sequence, ns, classes, runs: payload }
}

/** Collects a known number of bytes from chunks. */
class Collector {
  private readonly bytes: Uint8Array
  private filled = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
  }

  get started(): boolean {
    return this.filled > 0
  }

  /** Takes what is missing from the front of `chunk`; returns what it left. */
  take(chunk: Uint8Array): Uint8Array {
    const part = chunk.subarray(0, this.bytes.length - this.filled)
    this.bytes.set(part, this.filled)
    this.filled += part.length
    return chunk.subarray(part.length)
  }

  /** All bytes once they are there. */
  get complete(): Uint8Array | null {
    return this.filled === this.bytes.length ? this.bytes : null
  }
}

/** One a stream. After it threw it must not be used again. */
export class MapFrameDecoder {
  private header: Header | null = null
  private collector = new Collector(headerBytes)

  /** Returns the frames that `chunk` completed, in order. */
  push(chunk: Uint8Array): MapFrame[] {
    const frames: MapFrame[] = []
    let rest = chunk
    do {
      rest = this.collector.take(rest)
      const bytes = this.collector.complete
      if (bytes)
        this.step(bytes, frames)
    } while (rest.length > 0)
    return frames
  }

  private step(bytes: Uint8Array, frames: MapFrame[]): void {
    if (this.header) {
      frames.push(decode(this.header, bytes))
      this.header = null
      this.collector = new Collector(headerBytes)
      return
    }
    this.header = readHeader(bytes, maxFrames)
    this.collector = new Collector(this.header.payloadBytes)
    if (this.header.payloadBytes === 0)
      this.step(new Uint8Array(), frames)
  }

  /** Call at the end of the stream: throws if it ended within a frame. */
  end(): void {
    if (this.header || this.collector.started)
      throw damaged('it ends in the middle of a frame')
  }
}

/** Brings `classes` up to date, in place. The delta must be of the same guest. */
export function applyDelta(classes: Uint8Array, delta: MapDelta): void {
  if (delta.frames !== classes.length)
    throw damaged(`the guest has ${delta.frames} page frames now and had ${classes.length}`)
  for (const { first, count, classNumber } of delta.changes)
    classes.fill(classNumber, first, first + count)
}
