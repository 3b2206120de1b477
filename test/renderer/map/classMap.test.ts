import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedBit, ClassMap, classMask, noFrame, writtenShownMs } from '../../../renderer/features/map/classMap.ts'
import { layOut } from '../../../renderer/features/map/hilbert.ts'
import { diskClasses } from '../../../shared/model/diskClass.ts'
import { countPageClasses, pageClasses } from '../../../shared/model/pageClass.ts'

function mapOf(...classes: number[]): ClassMap {
  return new ClassMap(layOut(classes.length), Uint8Array.from(classes), pageClasses.length)
}
function texel(map: ClassMap, frame: number): { classNumber: number, changed: boolean, slot: number } {
  const at = 2 * map.layout.cells[frame]!
  return { classNumber: map.texels[at]! & classMask, changed: (map.texels[at]! & changedBit) !== 0, slot: map.texels[at + 1]! }
}

describe('a map', () => {
  it('has the same counts and texels after any deltas as one made anew', () => {
    const classes = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 20, maxLength: 300 })
    const runs = fc.array(fc.record({ first: fc.nat(9), count: fc.integer({ min: 1, max: 10 }), classNumber: fc.integer({ min: 0, max: 12 }) }), { maxLength: 20 })
    fc.assert(fc.property(classes, runs, (start, changes) => {
      const map = mapOf(...start)
      map.apply(changes)
      const expected = Uint8Array.from(start)
      for (const { first, count, classNumber } of changes)
        expected.fill(classNumber, first, first + count)
      expect(Array.from(map.counts)).toEqual(countPageClasses(expected).map(({ pages }) => pages))
      expect(map.texels).toEqual(new ClassMap(map.layout, expected, pageClasses.length).texels)
    }))
  })

  it('counts a class of a newer agent as unknown', () => {
    const map = mapOf(1, 77)
    map.apply([{ first: 0, count: 1, classNumber: 99 }])
    expect(map.counts[0]).toBe(2)
    expect(new ClassMap(layOut(2), Uint8Array.of(9, 10), diskClasses.length).counts[0]).toBe(1)
  })

  it('marks cells that no frame lies in', () => {
    const map = mapOf(1, 1, 1)
    expect(Array.from(map.texels).filter((_, at) => at % 2 === 0 && map.texels[at] === noFrame)).toHaveLength(1)
  })

  it('touches only the tiles that changed', () => {
    const map = new ClassMap(layOut(3 * 4096), new Uint8Array(3 * 4096).fill(1), pageClasses.length)
    expect([...map.touched]).toEqual([0, 1, 2])
    map.touched.clear()
    map.apply([{ first: 4096, count: 3, classNumber: 4 }, { first: 9000, count: 3, classNumber: 1 }])
    expect([...map.touched]).toEqual([1])
  })

  it('finds the run around a frame', () => {
    const map = mapOf(3, 1, 1, 1, 4)
    expect(map.runAt(2)).toEqual({ first: 1, count: 3, classNumber: 1 })
    expect(map.runAt(0)).toEqual({ first: 0, count: 1, classNumber: 3 })
    expect(map.runAt(4)).toEqual({ first: 4, count: 1, classNumber: 4 })
  })
})

describe('the difference to a snapshot', () => {
  it('lists what went from class to class, most frames first, and forgets what came back', () => {
    const map = mapOf(1, 1, 1, 3, 3, 4)
    map.keep(new Date(0))
    map.apply([{ first: 0, count: 3, classNumber: 4 }, { first: 3, count: 1, classNumber: 1 }, { first: 5, count: 1, classNumber: 7 }])
    map.apply([{ first: 5, count: 1, classNumber: 4 }])
    expect(map.changes()).toEqual([{ from: 1, to: 4, frames: 3 }, { from: 3, to: 1, frames: 1 }])
    expect([0, 3, 5].map(frame => texel(map, frame).changed)).toEqual([true, true, false])
    expect(map.keptClass(0)).toBe(1)
  })

  it('starts again with the next snapshot', () => {
    const map = mapOf(1, 1)
    map.keep(new Date(0))
    map.apply([{ first: 0, count: 1, classNumber: 4 }])
    map.keep(new Date(1))
    expect(map.changes()).toEqual([])
    expect(texel(map, 0).changed).toBe(false)
  })

  it('stands when all of memory is read anew', () => {
    const map = mapOf(1, 1, 3)
    map.keep(new Date(0))
    map.replace(Uint8Array.of(1, 4, 3))
    expect(map.changes()).toEqual([{ from: 1, to: 4, frames: 1 }])
  })
})

describe('frames found written', () => {
  it('show, fade and go', () => {
    const map = mapOf(3, 3, 3, 3)
    map.markWritten([{ first: 1, count: 2, classNumber: 0 }], 5000, 0)
    expect(map.writtenFrames).toBe(2)
    const { slot } = texel(map, 1)
    expect(map.writtenStrengths(writtenShownMs / 2, true)[slot]).toBeCloseTo(0.5)
    expect(map.writtenStrengths(writtenShownMs / 2, false)[slot]).toBe(1)
    expect(map.expire(writtenShownMs - 1)).toBe(true)
    expect(map.expire(writtenShownMs)).toBe(false)
    expect(map.writtenFrames).toBe(0)
    expect(texel(map, 1).slot).toBe(0)
  })

  it('remember when, also after they no longer show', () => {
    const map = mapOf(3, 3)
    map.markWritten([{ first: 0, count: 1, classNumber: 0 }], 0, 0)
    map.expire(writtenShownMs)
    expect(map.lastWrittenMs(0)).toBe(0)
    expect(map.lastWrittenMs(1)).toBeNull()
  })

  it('that are written again stay for the later time', () => {
    const map = mapOf(3, 3)
    map.markWritten([{ first: 0, count: 2, classNumber: 0 }], 0, 0)
    map.markWritten([{ first: 0, count: 1, classNumber: 0 }], 1000, 1000)
    map.expire(writtenShownMs)
    expect(map.writtenFrames).toBe(1)
  })

  it('are never counted twice, however many messages come at once', () => {
    const map = mapOf(3, 3)
    for (let at = 0; at < 40; at++)
      map.markWritten([{ first: 0, count: 2, classNumber: 0 }], at, at)
    expect(map.writtenFrames).toBe(2)
    map.expire(40 + writtenShownMs)
    expect(map.writtenFrames).toBe(0)
  })
})
