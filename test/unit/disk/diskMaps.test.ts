import type { HostRegistry } from '../../../electron/services/hosts/hostRegistry.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { readDiskMap } from '../../../electron/services/disk/diskMap.ts'
import { DiskMaps } from '../../../electron/services/disk/diskMaps.ts'
import { guestDisks } from '../../../electron/services/disk/guestDisks.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { FakeHost } from '../migration/fakeHost.ts'
import { domain } from '../model/messages.ts'
import { frame, introduction, storeRows } from './diskHost.ts'

let host: FakeHost
let maps: DiskMaps

beforeEach(() => {
  host = new FakeHost('hosta', [domain('web', 'running', { domid: 1 })])
  host.disks = storeRows.file
  host.diskMap = { stderr: `${JSON.stringify(introduction)}\n`, stdout: frame }
  const connectedHost = (name: string): FakeHost => {
    if (name !== 'hosta')
      throw new Me2Error('host-unreachable', 'It is not connected.')
    return host
  }
  maps = new DiskMaps({ connectedHost } as unknown as HostRegistry, 1000)
})

const web = { host: 'hosta', guest: 'web' }

async function listed() {
  return guestDisks(await host.handle.session(), 1)
}

describe('the disks of a guest', () => {
  it('are those that the toolstack has, with what is behind them', async () => {
    host.disks = storeRows.file + storeRows.volume + storeRows.rawByQemu
    expect(await listed()).toEqual([
      { name: 'xvda', path: '/var/lib/web.img', format: 'raw', device: '/dev/loop0', bytes: 32_768, writable: true, servedBy: 0 },
      { name: 'xvdb', path: '/dev/vg/data', format: 'raw', device: '/dev/dm-3', bytes: 8192, writable: false, servedBy: 0 },
      { name: 'xvdd', path: '/var/lib/other.img', format: 'raw', device: null, bytes: 4096, writable: true, servedBy: 0 },
    ])
  })

  it('have no empty drive and no line that makes no sense among them', async () => {
    host.disks = `${storeRows.emptyDrive}xvda\n${storeRows.file.replace('/dev/loop0', '/etc/passwd')}${storeRows.file.replace('/local', '/guest')}${'x'.repeat(2000)}\n`
    expect(await listed()).toEqual([])
  })

  it('say why one cannot be looked into', async () => {
    host.disks = Object.values(storeRows).join('')
    expect((await maps.list(web)).map(({ name, problem }) => [name, problem?.message ?? null])).toEqual([
      ['xvda', null],
      ['xvdb', null],
      ['xvdc', 'xvdc is a qcow2 image; only raw files and block devices can be looked into.'],
      ['xvdd', null],
      ['xvde', 'xvde is served by domain 3, so its blocks are not the control domain\'s to read.'],
    ])
  })

  it('are asked for on a connected host only, of a guest that is there', async () => {
    await expect(maps.list({ ...web, host: 'off' })).rejects.toMatchObject({ code: 'host-unreachable' })
    await expect(maps.list({ ...web, guest: 'gone' })).rejects.toMatchObject({ code: 'no-domain' })
  })
})

describe('a look at a disk', () => {
  it('is at the device behind it, and tells volumes, figures and places', async () => {
    const map = await maps.map({ ...web, disk: 'xvda' })
    expect(host.lookedAt).toEqual(['/dev/loop0'])
    expect({ ...map, runs: Uint8Array.from(map.runs) }).toEqual({
      bytes: 32_768, blocks: 8, ms: 12.5, table: 'none', tableFromBackup: false, counts: introduction.counts, volumes: introduction.volumes,
      blocksPerPlace: 1, places: 8, runs: Uint8Array.of(1, 3, 1, 4, 2, 6, 4, 1),
    })
  })

  it('is at the file itself where QEMU serves it', async () => {
    host.disks = storeRows.rawByQemu
    await maps.map({ ...web, disk: 'xvdd' })
    expect(host.lookedAt).toEqual(['/var/lib/other.img'])
  })

  it.each([['xvdc', 'not-supported'], ['xvde', 'not-supported'], ['xvdz', 'usage']])('is not made at %s', async (disk, code) => {
    host.disks = Object.values(storeRows).join('')
    await expect(maps.map({ ...web, disk })).rejects.toMatchObject({ code })
    expect(host.lookedAt).toEqual([])
  })

  it('is one of four at a time; one that ends makes room', async () => {
    const looks = Array.from({ length: 4 }, async () => maps.map({ ...web, disk: 'xvda' }))
    await expect(maps.map({ ...web, disk: 'xvda' })).rejects.toMatchObject({ code: 'busy' })
    await Promise.all(looks)
    expect(await maps.map({ ...web, disk: 'xvda' })).toMatchObject({ blocks: 8 })
  })
})

describe('what the agent says of a disk', () => {
  const read = async () => readDiskMap(await host.handle.session(), '/dev/loop0')

  it('may be its own error', async () => {
    host.diskMap = { stderr: '{"t":"error","code":"system","message":"cannot open the disk","action":""}\n', stdout: new Uint8Array() }
    await expect(read()).rejects.toMatchObject({ code: 'system', message: 'cannot open the disk' })
  })

  it.each([
    ['nothing', '', 'agent-missing'],
    ['no JSON', 'Segmentation fault\n', 'agent-protocol'],
    ['something else', '{"t":"goAhead","ns":1}\n', 'agent-protocol'],
    ['figures that do not add up', `${JSON.stringify({ ...introduction, counts: [1] })}\n`, 'agent-protocol'],
    ['more blocks than it sends', `${JSON.stringify({ ...introduction, blocks: 9, counts: [9] })}\n`, 'agent-protocol'],
    ['a volume\'s name without end', `${JSON.stringify({ ...introduction, volumes: [{ ...introduction.volumes[0], name: 'x'.repeat(161) }] })}\n`, 'agent-protocol'],
  ])('is refused: %s', async (_, stderr, code) => {
    host.diskMap = { stderr, stdout: frame }
    await expect(read()).rejects.toMatchObject({ code })
  })

  it('is refused when it is longer than a map can be', async () => {
    host.diskMap = { ...host.diskMap, stdout: new Uint8Array(64 * 1024 * 1024 + 1) }
    await expect(read()).rejects.toMatchObject({ code: 'output-too-large' })
  })

  it('ends with the connection', async () => {
    host.diskMap = { ...host.diskMap, lost: true }
    await expect(read()).rejects.toMatchObject({ code: 'connection-lost' })
  })

  it('is asked for by an absolute path only, which cannot be taken for an option', async () => {
    await expect(readDiskMap(await host.handle.session(), '--json')).rejects.toMatchObject({ code: 'usage' })
    expect(host.lookedAt).toEqual([])
  })
})
