import type { DetachedWindowAPI } from 'happy-dom'
import type { FoundDisk } from '../../../renderer/features/disk/useDiskMap.ts'
import type { Volume } from '../../../shared/agent/messages.ts'
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { i18n } from '../../../renderer/app/i18n.ts'
import DiskCard from '../../../renderer/features/disk/DiskCard.vue'
import { diskScheme } from '../../../renderer/features/disk/diskScheme.ts'
import { volumeAt } from '../../../renderer/features/disk/diskText.ts'
import VolumeList from '../../../renderer/features/disk/VolumeList.vue'
import MapLegend from '../../../renderer/features/map/MapLegend.vue'
import GuestChoice from '../../../renderer/features/memory/GuestChoice.vue'
import { lookAt } from './disks.ts'

declare global {
  interface Window {
    happyDOM: DetachedWindowAPI
  }
}

const megabyte = 2 ** 20
const volume = (change: Partial<Volume>): Volume => ({ ...lookAt().volumes[0]!, ...change })
const volumes = [
  volume({ name: 'partition 1', kind: 'ext2', offset: megabyte, bytes: 2 * megabyte, state: 'clean', freeBytes: megabyte }),
  volume({ name: 'partition 2', kind: 'lvm2', offset: 3 * megabyte, bytes: 5 * megabyte, state: 'unknown', freeBytes: 0 }),
  volume({ name: 'volume vg/root', kind: 'xfs', offset: 4 * megabyte, bytes: 4 * megabyte, state: 'doubtful', freeBytes: 0, doubtfulBytes: megabyte }),
]
const found: FoundDisk = { ...lookAt(), bytes: 8 * megabyte, blocks: 2048, places: 2048, table: 'gpt', volumes, at: new Date(0) }
const colours = diskScheme.colours.light

beforeEach(() => {
  i18n.global.locale.value = 'en'
})

function show(component: Parameters<typeof mount>[0], props: Record<string, unknown>) {
  return mount(component, { props, global: { plugins: [i18n], stubs: { UIcon: true, USelect: true } } })
}
const textOf = (wrapper: ReturnType<typeof show>): string => wrapper.text().replace(/\s+/g, ' ')

describe('the volume of a block', () => {
  it('is the innermost around it, or none', () => {
    expect(volumeAt(volumes, 0)).toBeNull()
    expect(volumeAt(volumes, 3 * megabyte)?.name).toBe('partition 2')
    expect(volumeAt(volumes, 4 * megabyte)?.name).toBe('volume vg/root')
    expect(volumeAt(volumes, 8 * megabyte)).toBeNull()
  })
})

describe('the card of a block', () => {
  it('tells its number, where it begins, its run and its volume', () => {
    const card = textOf(show(DiskCard, { place: 1030, run: { first: 1024, count: 412, classNumber: 4 }, found, colours }))
    for (const part of ['Journal', 'Block1,030', 'From byte4,218,880', '412 blocks, 1.69 MB', 'Volumevg/root, xfs'])
      expect(card).toContain(part)
  })

  it('tells all blocks of a place, and no more than there are at the disk\'s end', () => {
    const folded = { ...found, blocks: 2046, blocksPerPlace: 4, places: 512 }
    const card = (place: number, run: object) => textOf(show(DiskCard, { place, run, found: folded, colours }))
    expect(card(2, { first: 2, count: 1, classNumber: 1 })).toContain('Blocks8 – 11')
    expect(card(511, { first: 510, count: 2, classNumber: 1 })).toMatch(/Blocks2,044 – 2,045.*6 blocks/)
  })
})

describe('the list of volumes', () => {
  it('tells what each is, what is free, and where nothing may be called free', () => {
    const list = show(VolumeList, { found })
    expect(list.findAll('[data-volume]')).toHaveLength(3)
    expect(textOf(list)).toMatch(/GPT.*Partition 1 ?ext2.*1\.0 MB free.*Partition 2 ?lvm2.*vg\/root ?xfs.*1\.0 MB perhaps free.*counts as used/)
  })

  it('tells that the partition table is a copy', () => {
    expect(textOf(show(VolumeList, { found }))).not.toContain('Damaged')
    expect(textOf(show(VolumeList, { found: { ...found, tableFromBackup: true } }))).toContain('Damaged')
  })

  it('shows a chosen one', async () => {
    const list = show(VolumeList, { found })
    await list.findAll('[data-volume]')[2]!.trigger('click')
    expect(list.emitted('choose')).toEqual([[4 * megabyte]])
  })

  it('speaks Chinese, the agent\'s names of volumes included', () => {
    i18n.global.locale.value = 'zh'
    expect(textOf(show(VolumeList, { found }))).toContain('分区 1')
  })
})

describe('the legend of a disk', () => {
  it('counts blocks, and has no row of writes', () => {
    const legend = show(MapLegend, { scheme: diskScheme, figures: { frames: 8, counts: found.counts }, colours, filter: new Set() })
    expect(textOf(legend)).toMatch(/blocks ?MB/)
    expect(textOf(legend)).toMatch(/File data ?2/)
    expect(textOf(legend)).not.toContain('Written')
  })
})

describe('the choice of what to look at', () => {
  const guests = [{ host: 'xen-a', guest: 'web' }]
  const buttons = (disks: string[], disk: string | null) => show(GuestChoice, { guests, which: guests[0], disks, disk }).findAll('button')

  it('is not there for a guest without disks', () => {
    expect(buttons([], null)).toEqual([])
  })

  it('is memory or a disk', async () => {
    const choice = show(GuestChoice, { guests, which: guests[0], disks: ['xvda'], disk: null })
    const [memory, disk] = choice.findAll('button')
    expect([memory!.text(), memory!.attributes('aria-pressed'), disk!.text(), disk!.attributes('aria-pressed')]).toEqual(['Memory', 'true', 'Disk xvda', 'false'])
    await disk!.trigger('click')
    expect(choice.emitted('disk')).toEqual([['xvda']])
    const onDisk = show(GuestChoice, { guests, which: guests[0], disks: ['xvda'], disk: 'xvda' })
    await onDisk.findAll('button')[0]!.trigger('click')
    expect(onDisk.emitted('disk')).toEqual([[null]])
  })

  it.each([[1440, 4], [1024, 2]])('is a list where they would not fit side by side: %i px take %i', (width, most) => {
    const names = ['xvda', 'xvdb', 'xvdc', 'xvdd']
    window.happyDOM.setViewport({ width })
    expect(buttons(names.slice(0, most - 1), null)).toHaveLength(most)
    expect(buttons(names.slice(0, most), null)).toEqual([])
  })
})
