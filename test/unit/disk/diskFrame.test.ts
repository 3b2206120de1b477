import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placesOf, readDiskFrame } from '../../../shared/agent/diskFrame.ts'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'
import { countDiskClasses, diskClasses } from '../../../shared/model/diskClass.ts'
import { deltaFrame, frameOf, runsFrame, snapshotFrame } from '../memory/frames.ts'

const damage = expect.objectContaining({ code: 'agent-protocol' }) as Error

describe('a disk\'s frame', () => {
  it('gives its runs, of more blocks than fit an array too', () => {
    const blocks = 2 ** 32
    const runs = readDiskFrame(runsFrame(blocks, [{ count: 6, classNumber: 3 }, { count: blocks - 6, classNumber: 1 }]), blocks)
    expect(placesOf(runs, blocks, 4)).toMatchObject({ blocksPerPlace: 2 ** 30, places: 4, runs: Uint8Array.of(4, 1) })
  })

  it.each([
    ['of another disk', snapshotFrame([1, 1])],
    ['that is a delta', deltaFrame(3, [{ skip: 0, count: 1, classNumber: 1 }])],
    ['cut in its header', snapshotFrame([1, 1, 1]).subarray(0, 39)],
    ['cut in its runs', snapshotFrame([1, 3, 1]).subarray(0, 44)],
    ['with something after it', Uint8Array.of(...snapshotFrame([1, 1, 1]), 0)],
    ['with runs that end early', frameOf(1, 3, Uint8Array.of(2, 1))],
    ['with runs that pass the end', frameOf(1, 3, Uint8Array.of(4, 1))],
    ['with a damaged byte', snapshotFrame([1, 3, 1]).map((byte, at) => at === 41 ? 6 : byte)],
    ['of more than 16 TiB', frameOf(1, 2 ** 32 + 1, Uint8Array.of(1, 1))],
  ])('%s is damaged', (_, bytes) => {
    expect(() => readDiskFrame(bytes, bytes.length > 40 && bytes[36] === 1 ? 2 ** 32 + 1 : 3)).toThrow(damage)
  })
})

describe('places of a map', () => {
  it('are the blocks themselves where there are few enough', () => {
    const runs = Uint8Array.of(2, 1, 1, 6)
    expect(placesOf(runs, 3, 3)).toEqual({ blocksPerPlace: 1, places: 3, runs })
  })

  it('have the class that most of their blocks have, whatever the runs and the last place\'s size', () => {
    const classes = fc.array(fc.integer({ min: 0, max: diskClasses.length - 1 }), { minLength: 1, maxLength: 300 })
    fc.assert(fc.property(classes, fc.integer({ min: 1, max: 60 }), (blocks, maxPlaces) => {
      const runs = readDiskFrame(snapshotFrame(blocks), blocks.length)
      const { blocksPerPlace, places, runs: folded } = placesOf(runs, blocks.length, maxPlaces)
      expect(places).toBe(Math.ceil(blocks.length / blocksPerPlace))
      expect(places).toBeLessThanOrEqual(maxPlaces)
      expect(blocksPerPlace === 1 || Math.ceil(blocks.length / (blocksPerPlace / 2)) > maxPlaces).toBe(true)
      for (const [place, classNumber] of decodeMapRuns(folded, places).entries()) {
        const here = blocks.slice(place * blocksPerPlace, (place + 1) * blocksPerPlace)
        const withClass = (wanted: number): number => here.filter(each => each === wanted).length
        expect(withClass(classNumber)).toBe(Math.max(...here.map(withClass)))
      }
    }))
  })

  it('take a class of a newer agent as unknown', () => {
    expect(decodeMapRuns(placesOf(Uint8Array.of(2, 77, 2, 6), 4, 2).runs, 2)).toEqual(Uint8Array.of(0, 6))
  })
})

describe('blocks by class', () => {
  it('have bytes and shares; a class of a newer agent counts as unknown', () => {
    const counts = countDiskClasses([1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5])
    expect(counts.map(({ id }) => id)).toEqual(diskClasses.map(({ id }) => id))
    expect(counts.slice(0, 2)).toMatchObject([{ id: 'unknown', blocks: 6, bytes: 24_576, share: 0.75 }, { id: 'free', blocks: 2, share: 0.25 }])
  })
})
