import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMapRuns, readTriples } from '../../../shared/agent/mapRuns.ts'

const damage = expect.objectContaining({ code: 'agent-protocol' }) as Error

/** LEB128: seven bits a byte, lowest first. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [value % 0x80 + 0x80, ...varint(Math.floor(value / 0x80))]
}

describe('runs of a snapshot', () => {
  it('give the class of each frame', () => {
    const runs = fc.array(fc.record({ count: fc.integer({ min: 1, max: 20_000 }), classNumber: fc.nat(12) }), { maxLength: 20 })
    fc.assert(fc.property(runs, (wanted) => {
      const bytes = Uint8Array.from(wanted.flatMap(({ count, classNumber }) => [...varint(count), classNumber]))
      const frames = wanted.reduce((sum, { count }) => sum + count, 0)
      const classes = decodeMapRuns(bytes, frames)
      let first = 0
      for (const { count, classNumber } of wanted) {
        expect(classes.subarray(first, first + count).every(value => value === classNumber)).toBe(true)
        first += count
      }
      expect(classes.length).toBe(frames)
    }), { numRuns: 30 })
  })

  it.each([
    ['end too early', [2, 1], 3],
    ['pass the end', [4, 1], 3],
    ['have an empty one', [0, 1, 3, 1], 3],
    ['lack a class', [3], 3],
    ['have an endless count', [0x80, 0x80, 0x80, 0x80, 0x80, 1, 1], 3],
  ])('are refused when they %s', (_, bytes, frames) => {
    expect(() => decodeMapRuns(Uint8Array.from(bytes), frames)).toThrow(damage)
  })
})

describe('runs of a delta', () => {
  it('are read three numbers at a time', () => {
    expect([...readTriples([0, 2, 1, 5, 1, 4], 6)]).toEqual([{ first: 0, count: 2, classNumber: 1 }, { first: 5, count: 1, classNumber: 4 }])
  })

  it.each([
    ['are cut short', [0, 2]],
    ['pass the end', [5, 2, 1]],
    ['have an empty one', [1, 0, 1]],
  ])('are refused when they %s', (_, triples) => {
    expect(() => [...readTriples(triples, 6)]).toThrow(damage)
  })
})
