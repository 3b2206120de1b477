import { describe, expect, it } from 'vitest'
import { formatFrame, formatFrames, formatMegabytes, formatPageBytes } from '../../../renderer/features/memory/frameText.ts'
import { legendRows, shownMask, toggled } from '../../../renderer/features/memory/legend.ts'
import { pageClasses } from '../../../shared/model/pageClass.ts'

describe('the legend', () => {
  it('has every class once, empty ones too', () => {
    const counts = pageClasses.map((_, index) => index)
    const rows = legendRows(counts)
    expect(rows.map(({ id }) => id).sort()).toEqual(pageClasses.map(({ id }) => id).sort())
    expect(rows.find(({ id }) => id === 'slab')).toMatchObject({ group: 'kernel', pages: 7, share: 7 / 78 })
  })

  it('shows everything without a filter, and what is chosen with one', () => {
    expect(shownMask(new Set())).toBe(0b1_1111_1111_1111)
    expect(shownMask(new Set(['free', 'anon'] as const))).toBe(0b1010)
    expect(shownMask(new Set(['written'] as const))).toBe(0)
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
    expect([formatMegabytes(65_536), formatMegabytes(0)]).toEqual(['268.4', '–'])
    expect([formatPageBytes(1), formatPageBytes(412)]).toEqual(['4.1 kB', '1.69 MB'])
  })
})
