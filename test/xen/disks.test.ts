/** Guests with disks of their own, in a lab of its own: what everything that looks into disks or moves them builds on. */
import type { LabGuest } from '../../electron/services/lab/types.ts'
import type { TestHost } from './support/migrateOnce.ts'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkFileSystem, createGuest, hearOfFiles, on, shutDown, useDiskLab } from './support/diskLab.ts'

const disks = '/var/lib/me2-lab/disks'
const gibibyte = 1024 ** 3

const own = useDiskLab()
let a: TestHost
let b: TestHost
let guests: LabGuest[]

beforeAll(() => {
  ({ a, b, guests } = own)
})

describe('guests with disks', () => {
  it('are one of each file system, beside the usual ones', () => {
    expect(guests.map(({ name, disk }) => `${name} ${disk!.fileSystem}`)).toEqual(['files ext4', 'filesxfs xfs'])
  })

  it('have dom0 serve their disks by loop devices, and room for all of them on the other host', async () => {
    const devices = await on(a, 'losetup', '-l', '--noheadings', '-O', 'BACK-FILE')
    expect(devices.split('\n').sort()).toEqual(guests.map(({ disk }) => disk!.path).sort())
    for (const host of [a, b])
      expect(Number((await on(host, 'df', '-B1', '--output=avail', disks)).split('\n').at(-1)), host.name).toBeGreaterThan(5 * gibibyte)
  })

  it('write and check their files, and tell of it in their heartbeats', async () => {
    for (const guest of guests) {
      const first = await hearOfFiles(b, guest, 1)
      const later = await hearOfFiles(a, guest, first.filesChecked! + 20)
      expect(later, guest.name).toMatchObject({ bad: 0, fileErrors: 0 })
      expect(later.diskWrittenBytes!, guest.name).toBeGreaterThan(first.diskWrittenBytes!)
    }
  })

  it('can be traced: debugfs is there', async () => {
    await on(a, 'test', '-d', '/sys/kernel/debug/block')
  })

  it('leave their disks clean, as full as they were and in pieces, when Xen shuts them down', async () => {
    for (const guest of guests) {
      expect(await shutDown(a, guest), guest.name).toMatch(/^ME2 stopped bad=0/m)
      await checkFileSystem(a, guest)
    }
    const facts = await on(a, 'dumpe2fs', '-h', `${disks}/files.img`)
    const count = (what: string) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(facts)![1])
    const used = 1 - count('Free blocks') / count('Block count')
    expect(used).toBeGreaterThan(0.25)
    expect(used).toBeLessThan(0.4)
    const pieces = /^Num\. free extent:\s+(\d+)/m.exec(await on(a, 'e2freefrag', `${disks}/files.img`))
    expect(Number(pieces![1])).toBeGreaterThan(500)
    const free = await on(a, 'xfs_db', '-r', '-c', 'freesp -s', `${disks}/filesxfs.img`)
    expect(Number(/^total free extents (\d+)/m.exec(free)![1])).toBeGreaterThan(500)
  })

  it('go on with the files they left', async () => {
    const guest = guests[1]!
    await createGuest(a, guest)
    expect(await hearOfFiles(a, guest, 50)).toMatchObject({ bad: 0, fileErrors: 0 })
  })

  it('can be told never to sync: then the disk knows of nothing that was written, not even in its journal', async () => {
    const guest = guests[0]!
    await createGuest(a, guest, ' me2.sync=never')
    const heard = await hearOfFiles(a, guest, 50)
    expect(heard).toMatchObject({ bad: 0, fileErrors: 0 })
    expect(heard.diskWrittenBytes!).toBeGreaterThan(2 ** 20)
    expect(await on(a, 'dumpe2fs', '-h', guest.disk!.path)).toMatch(/^Journal start:\s+0$/m)
    expect(await shutDown(a, guest)).toMatch(/^ME2 stopped bad=0/m)
    await checkFileSystem(a, guest)
  })
})
