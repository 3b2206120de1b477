import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeGuest, parseGuests, readGuests, xlConfig } from '../../../electron/services/lab/guests.ts'
import { guestMemoryChoicesMiB, labDom0MiB, labHostMemoryMiB, labMemoryBytes, usualLabPlan } from '../../../shared/model/labPlan.ts'

const resources = join(import.meta.dirname, '..', '..', '..', 'resources', 'lab')

const profile = { memoryMiB: 64, fileMiB: 8, hotMiB: 16, dirtyPagesPerSecond: 10, checkPagesPerSecond: 20, contents: { text: 2, rows: 1 } }
const guest = { name: 'web', profile: 'web', memoryMiB: 256, mac: '00:16:3e:00:00:01', address: '10.0.0.5', heartbeatPort: 7000, sentence: 'Serves.' }

function file(changes: object = {}): string {
  return JSON.stringify({ profiles: { web: profile }, guests: [{ ...guest, ...changes }] })
}

describe('the guests of the lab', () => {
  it('are three, with nothing in common that would make them collide on one bridge', async () => {
    const guests = await readGuests(resources, usualLabPlan)
    expect(guests.map(each => each.name)).toEqual(['idle', 'web', 'db'])
    for (const key of ['name', 'mac', 'address', 'heartbeatPort'] as const)
      expect(new Set(guests.map(each => each[key])).size, key).toBe(guests.length)
  })

  it('fit on one host together: 256 MB each beside a dom0 of 512 MB', async () => {
    const guests = await readGuests(resources, usualLabPlan)
    expect(guests.map(each => each.memoryBytes)).toEqual([256, 256, 256].map(mib => mib * 1024 * 1024))
  })

  it.each(guestMemoryChoicesMiB)('leave room for what they hold at %i MiB: pages, hot pages among them, and free memory', async (guestMemoryMiB) => {
    for (const { name, memoryBytes, work } of await readGuests(resources, { ...usualLabPlan, guestMemoryMiB, twin: true, disks: true })) {
      expect(work.hotMiB, name).toBeLessThanOrEqual(work.memoryMiB)
      expect((work.memoryMiB + work.fileMiB) * 1024 * 1024, name).toBeLessThan(memoryBytes / 2)
    }
  })

  it('grow with the lab, what they hold as well, and write as fast as before', () => {
    const [small, large] = ([256, 512] as const).map(guestMemoryMiB => parseGuests(file(), { ...usualLabPlan, guestMemoryMiB })[0]!)
    expect(large!.memoryBytes).toBe(512 * 1024 * 1024)
    expect(large!.work).toEqual({ ...small!.work, memoryMiB: 128, fileMiB: 16, hotMiB: 32 })
  })

  it('have a twin of web where one is wanted: equal, and in nobody\'s way', async () => {
    const guests = await readGuests(resources, { ...usualLabPlan, twin: true })
    const [web, twin] = ['web', 'web2'].map(name => guests.find(each => each.name === name)!)
    expect(guests.map(each => each.name)).toEqual(['idle', 'web', 'web2', 'db'])
    expect({ ...twin!.work, bytes: twin!.memoryBytes }).toEqual({ ...web!.work, bytes: web!.memoryBytes })
    for (const key of ['mac', 'address', 'heartbeatPort'] as const)
      expect(new Set(guests.map(each => each[key])).size, key).toBe(4)
  })

  it('have disks where they are wanted: two more, one of each file system, in nobody\'s way', async () => {
    const guests = await readGuests(resources, { ...usualLabPlan, disks: true, twin: true })
    expect(guests.map(each => each.name)).toEqual(['idle', 'web', 'web2', 'db', 'files', 'filesxfs'])
    expect(guests.map(each => each.disk?.fileSystem)).toEqual([undefined, undefined, undefined, undefined, 'ext4', 'xfs'])
    for (const { name, disk, work } of guests.filter(each => each.disk)) {
      expect(disk).toMatchObject({ path: `/var/lib/me2-lab/disks/${name}.img`, bytes: 2 * 1024 ** 3 })
      expect(Math.min(work.diskWriteKiBPerSecond, work.diskCheckKiBPerSecond), name).toBeGreaterThan(0)
    }
    for (const key of ['name', 'mac', 'address', 'heartbeatPort'] as const)
      expect(new Set(guests.map(each => each[key])).size, key).toBe(6)
  })

  it('fit on one host all together, beside dom0, whatever their size', () => {
    for (const guestMemoryMiB of guestMemoryChoicesMiB) {
      for (const [twin, disks, guests] of [[false, false, 3], [true, false, 4], [false, true, 5], [true, true, 6]] as const)
        expect(labHostMemoryMiB({ ...usualLabPlan, guestMemoryMiB, twin, disks })).toBeGreaterThanOrEqual(labDom0MiB + guestMemoryMiB * guests + 200)
    }
    expect(labMemoryBytes({ ...usualLabPlan, guestMemoryMiB: 768, twin: true })).toBeGreaterThan(labMemoryBytes(usualLabPlan))
    expect(labHostMemoryMiB({ ...usualLabPlan, bare: true, roomMiB: 100 })).toBe(labHostMemoryMiB(usualLabPlan) - 3 * 256 + 100)
  })

  it('are none in a bare lab', () => {
    expect(parseGuests(file(), { ...usualLabPlan, bare: true })).toEqual([])
  })

  it('give the console what it shows, without the workload\'s numbers', () => {
    const described = describeGuest(parseGuests(file(), usualLabPlan)[0]!)
    expect(described).toEqual({ name: 'web', profile: 'web', memoryBytes: 256 * 1024 * 1024, mac: guest.mac, address: '10.0.0.5', heartbeatPort: 7000, sentence: 'Serves.' })
  })

  it.each([
    ['a profile that is not there', { profile: 'mail' }],
    ['a name that would end the quotes of its configuration', { name: 'web"' }],
    ['a name that is a path', { name: '../web' }],
    ['too little memory to boot', { memoryMiB: 64 }],
    ['an address of another kind', { address: 'fe80::1' }],
    ['a MAC address outside Xen\'s range', { mac: '52:54:00:00:00:01' }],
    ['a disk that is a path', { disk: { fileSystem: 'ext4', mebibytes: 2048, path: '/dev/vda' } }],
    ['a file system that no guest can mount', { disk: { fileSystem: 'zfs', mebibytes: 2048 } }],
    ['a field nobody knows', { colour: 'red' }],
  ])('are refused with %s', (_, changes) => {
    expect(() => parseGuests(file(changes), usualLabPlan)).toThrow()
  })
})

describe('a guest\'s xl configuration', () => {
  it('carries the workload on the kernel command line', () => {
    const config = xlConfig(parseGuests(file(), usualLabPlan)[0]!, { group: '239.1.2.3', hosts: ['10.0.0.1', '10.0.0.2'] })
    expect(config).toContain('name = "web"\n')
    expect(config).toContain('type = "pvh"\n')
    expect(config).toContain('memory = 256\n')
    expect(config).toContain('mac=00:16:3e:00:00:01,bridge=xenbr0')
    expect(config).toContain('me2.address=10.0.0.5/24 me2.memory=64 me2.file=8 me2.hot=16 me2.dirty=10 me2.check=20 me2.contents=text:2,rows:1 me2.heartbeat=239.1.2.3:7000 me2.hosts=10.0.0.1,10.0.0.2"')
  })

  it('has a disk, a ramdisk that can mount it, and the work on it, where the guest has one, and nothing of it otherwise', () => {
    const to = { group: '239.1.2.3', hosts: ['10.0.0.1'] }
    const plan = { ...usualLabPlan, disks: true }
    const config = xlConfig(parseGuests(file({ disk: { fileSystem: 'xfs', mebibytes: 1024 } }), plan)[0]!, to)
    expect(config).toContain('disk = [ "format=raw,vdev=xvda,access=rw,target=/var/lib/me2-lab/disks/web.img" ]\n')
    expect(config).toContain('ramdisk = "/boot/guest-disk.cpio.gz"\n')
    expect(config).toContain(' me2.disk=xfs me2.diskwrite=0 me2.diskcheck=0 ')
    expect(xlConfig(parseGuests(file(), plan)[0]!, to)).not.toMatch(/disk = \[|disk=|guest-disk/)
  })

  it('stays below what Linux takes as a command line, 2048 bytes', async () => {
    for (const each of await readGuests(resources, { ...usualLabPlan, disks: true }))
      expect(xlConfig(each, { group: '239.100.100.100', hosts: ['10.100.100.100', '10.100.100.101'] }).length).toBeLessThan(2048)
  })
})
