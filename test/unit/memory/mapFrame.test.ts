import type { MapSnapshot } from '../../../shared/agent/mapFrame.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../shared/agent/crc32c.ts'
import { applyDelta, MapFrameDecoder } from '../../../shared/agent/mapFrame.ts'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'
import { deltaFrame, frameOf, snapshotFrame, writtenFrame } from './frames.ts'

const damage = expect.objectContaining({ code: 'agent-protocol' }) as Error

function decodeAll(...chunks: Uint8Array[]) {
  const decoder = new MapFrameDecoder()
  const frames = chunks.flatMap(chunk => decoder.push(chunk))
  decoder.end()
  return frames
}

describe('crc32c', () => {
  it('matches the check value and the vectors of RFC 3720', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xE3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8A9136AA)
    expect(crc32c(new Uint8Array(32).fill(0xFF))).toBe(0x62A8AB43)
  })
})

describe('map frames', () => {
  it('decodes a snapshot, then a delta that brings it up to date', () => {
    const [snapshot, delta] = decodeAll(snapshotFrame([1, 1, 1, 3, 3, 0]), deltaFrame(6, [{ skip: 1, count: 2, classNumber: 7 }, { skip: 2, count: 1, classNumber: 1 }]))
    expect(snapshot).toMatchObject({ kind: 'snapshot', classes: Uint8Array.of(1, 1, 1, 3, 3, 0) })
    if (snapshot?.kind !== 'snapshot' || delta?.kind !== 'delta')
      throw new Error('not a snapshot and a delta')
    applyDelta(snapshot.classes, delta)
    expect([...snapshot.classes]).toEqual([1, 7, 7, 3, 3, 1])
  })

  it('decodes the same however the stream is cut into chunks', () => {
    const classes = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 400 })
    fc.assert(fc.property(classes, fc.integer({ min: 1, max: 100 }), (wanted, chunkBytes) => {
      const bytes = snapshotFrame(wanted)
      const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes))
      const [snapshot, ...others] = decodeAll(...chunks) as MapSnapshot[]
      expect(snapshot).toMatchObject({ kind: 'snapshot', sequence: 0, ns: 5, classes: Uint8Array.from(wanted) })
      expect(decodeMapRuns(snapshot!.runs, wanted.length)).toEqual(snapshot!.classes)
      expect(others).toEqual([])
    }))
  })

  it('decodes runs longer than one varint byte', () => {
    const classes = Array.from<number>({ length: 70_000 }).fill(1)
    expect(decodeAll(snapshotFrame(classes))[0]).toMatchObject({ classes: Uint8Array.from(classes) })
  })

  it('decodes which frames were found written, and how long a sweep takes', () => {
    const [written] = decodeAll(writtenFrame(300, 4321, [{ skip: 2, count: 1 }, { skip: 200, count: 3 }]))
    expect(written).toMatchObject({ kind: 'written', frames: 300, sweepMs: 4321, runs: [{ first: 2, count: 1 }, { first: 203, count: 3 }] })
  })

  it('decodes any frames that were found written', () => {
    const runs = fc.array(fc.record({ skip: fc.integer({ min: 0, max: 300_000 }), count: fc.integer({ min: 1, max: 300_000 }) }), { maxLength: 40 })
    fc.assert(fc.property(runs, fc.integer({ min: 0, max: 2 ** 34 }), (wanted, sweepMs) => {
      let next = 0
      const expected = wanted.map(({ skip, count }) => {
        const first = next + skip
        next = first + count
        return { first, count, classNumber: 0 }
      })
      expect(decodeAll(writtenFrame(next, sweepMs, wanted))).toEqual([{ kind: 'written', sequence: 0, ns: 5, frames: next, sweepMs, runs: expected }])
    }))
  })

  it('notices any flipped bit but those of the sequence number and the time stamp', () => {
    const good = snapshotFrame([1, 1, 3, 3, 3, 12])
    const flips = fc.record({ byte: fc.integer({ min: 0, max: good.length - 1 }), bit: fc.integer({ min: 0, max: 7 }) })
    fc.assert(fc.property(flips, ({ byte, bit }) => {
      const bad = Uint8Array.from(good)
      bad[byte]! ^= 1 << bit
      if (byte >= 16 && byte < 32)
        expect(decodeAll(bad)).toHaveLength(1)
      else
        expect(() => decodeAll(bad)).toThrow(damage)
    }))
  })

  it('survives random bytes behind a good header', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(1, 2, 3), (payload, kind) => {
      try {
        for (const frame of decodeAll(frameOf(kind, 40, payload)))
          expect(frame.kind === 'snapshot' ? frame.classes.length : frame.frames).toBe(40)
      }
      catch (error) {
        expect(error).toMatchObject({ code: 'agent-protocol' })
      }
    }))
  })

  it.each([
    ['runs past the end of memory', frameOf(1, 3, Uint8Array.of(4, 1))],
    ['runs that stop early', frameOf(1, 3, Uint8Array.of(2, 1))],
    ['an empty run', frameOf(1, 3, Uint8Array.of(0, 1, 3, 1))],
    ['a run without its class', frameOf(1, 3, Uint8Array.of(3))],
    ['an endless number', frameOf(1, 3, Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 1, 1))],
    ['an unknown kind', frameOf(9, 3, Uint8Array.of(3, 1))],
    ['more frames than any guest has', frameOf(1, 2 ** 40, Uint8Array.of(3, 1))],
    ['a payload out of proportion', frameOf(1, 1, Uint8Array.of(1, 1, 1, 1, 1, 1))],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeAll(bytes)).toThrow(damage)
  })

  it('tells a stream that ends within a frame', () => {
    const bytes = snapshotFrame([1, 2, 3])
    expect(() => decodeAll(bytes.subarray(0, 20))).toThrow('in the middle of a frame')
    expect(() => decodeAll(bytes.subarray(0, 41))).toThrow('in the middle of a frame')
  })

  it('refuses a delta of another size', () => {
    const [delta] = decodeAll(deltaFrame(6, []))
    expect(() => applyDelta(new Uint8Array(5), delta as Parameters<typeof applyDelta>[1])).toThrow('page frames')
  })
})
