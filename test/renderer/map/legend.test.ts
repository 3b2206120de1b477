import type { ClassFigures } from '../../../renderer/features/map/scheme.ts'
import { describe, expect, it } from 'vitest'
import { diskScheme } from '../../../renderer/features/disk/diskScheme.ts'
import { legendRows, shownMask, toggled } from '../../../renderer/features/map/legend.ts'
import { formatDiskBytes, formatFrameBytes, formatSize, unitFor } from '../../../renderer/features/map/sizeText.ts'
import { formatFrame, formatFrames } from '../../../renderer/features/memory/frameText.ts'
import { memoryScheme } from '../../../renderer/features/memory/memoryScheme.ts'

/** So many frames of each class as its number says. */
function figuresOf(classes: number): ClassFigures {
  const counts = Array.from({ length: classes }, (_, index) => index)
  return { counts, frames: counts.reduce((sum, count) => sum + count) }
}

describe('the legend', () => {
  it.each([memoryScheme, diskScheme])('has every class once, empty ones too: $words', (scheme) => {
    const rows = legendRows(scheme, figuresOf(scheme.ids.length))
    expect(rows.map(({ id }) => id).sort()).toEqual([...scheme.ids].sort())
    expect(rows.find(({ id }) => id === 'unknown')).toMatchObject({ frames: 0, share: 0 })
  })

  it('tells group and share', () => {
    expect(legendRows(memoryScheme, figuresOf(13)).find(({ id }) => id === 'slab')).toEqual({ id: 'slab', group: 'kernel', frames: 7, share: 7 / 78 })
    expect(legendRows(diskScheme, figuresOf(10)).find(({ id }) => id === 'journal')).toEqual({ id: 'journal', group: 'fileSystem', frames: 4, share: 4 / 45 })
  })

  it('shows everything without a filter, and what is chosen with one', () => {
    expect(shownMask(memoryScheme, new Set())).toBe(0b1_1111_1111_1111)
    expect(shownMask(diskScheme, new Set())).toBe(0b11_1111_1111)
    expect(shownMask(memoryScheme, new Set(['free', 'anon']))).toBe(0b1010)
    expect(shownMask(memoryScheme, new Set(['written']))).toBe(0)
  })

  it('takes a row in and out', () => {
    const one = toggled(new Set(), 'anon')
    expect([...one]).toEqual(['anon'])
    expect(toggled(one, 'anon').size).toBe(0)
  })
})

describe('frames as text', () => {
  it('has the field\'s forms', () => {
    expect(formatFrame(0x62A4)).toBe('0x062a4')
    expect(formatFrames(0x6200, 2)).toBe('0x06200 – 0x06201')
    expect(formatFrames(7, 1)).toBe('0x00007')
  })

  it('has one unit for a table, megabytes as long as they fit', () => {
    expect(unitFor(65_536).name).toBe('MB')
    expect(unitFor(2 ** 24).name).toBe('GB')
    expect([formatSize(65_536, unitFor(65_536)), formatSize(0, unitFor(0)), formatSize(2 ** 24, unitFor(2 ** 24))]).toEqual(['268.4', '–', '68.72'])
    expect([formatFrameBytes(1), formatFrameBytes(412), formatFrameBytes(2 ** 24)]).toEqual(['4.1 kB', '1.69 MB', '68.7 GB'])
    expect(formatDiskBytes(2 ** 31)).toBe('2,147.5 MB')
  })
})
