import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeGuest, parseGuests, readGuests, xlConfig } from '../../../electron/services/lab/guests.ts'

const resources = join(import.meta.dirname, '..', '..', '..', 'resources', 'lab')

const profile = { memoryMiB: 64, fileMiB: 8, hotMiB: 16, dirtyPagesPerSecond: 10, checkPagesPerSecond: 20, contents: { text: 2, rows: 1 } }
const guest = { name: 'web', profile: 'web', memoryMiB: 256, mac: '00:16:3e:00:00:01', address: '10.0.0.5', heartbeatPort: 7000, sentence: 'Serves.' }

function file(changes: object = {}): string {
  return JSON.stringify({ profiles: { web: profile }, guests: [{ ...guest, ...changes }] })
}

describe('the guests of the lab', () => {
  it('are three, with nothing in common that would make them collide on one bridge', async () => {
    const guests = await readGuests(resources)
    expect(guests.map(each => each.name)).toEqual(['idle', 'web', 'db'])
    for (const key of ['name', 'mac', 'address', 'heartbeatPort'] as const)
      expect(new Set(guests.map(each => each[key])).size, key).toBe(guests.length)
  })

  it('fit on one host together: 256 MB each beside a dom0 of 512 MB', async () => {
    const guests = await readGuests(resources)
    expect(guests.map(each => each.memoryBytes)).toEqual([256, 256, 256].map(mib => mib * 1024 * 1024))
  })

  it('leave room for what they hold: pages, hot pages among them, and free memory', async () => {
    for (const { name, memoryBytes, work } of await readGuests(resources)) {
      expect(work.hotMiB, name).toBeLessThanOrEqual(work.memoryMiB)
      expect((work.memoryMiB + work.fileMiB) * 1024 * 1024, name).toBeLessThan(memoryBytes / 2)
    }
  })

  it('give the console what it shows, without the workload\'s numbers', () => {
    const described = describeGuest(parseGuests(file())[0]!)
    expect(described).toEqual({ name: 'web', profile: 'web', memoryBytes: 256 * 1024 * 1024, mac: guest.mac, address: '10.0.0.5', heartbeatPort: 7000, sentence: 'Serves.' })
  })

  it.each([
    ['a profile that is not there', { profile: 'mail' }],
    ['a name that would end the quotes of its configuration', { name: 'web"' }],
    ['a name that is a path', { name: '../web' }],
    ['too little memory to boot', { memoryMiB: 64 }],
    ['an address of another kind', { address: 'fe80::1' }],
    ['a MAC address outside Xen\'s range', { mac: '52:54:00:00:00:01' }],
    ['a field nobody knows', { colour: 'red' }],
  ])('are refused with %s', (_, changes) => {
    expect(() => parseGuests(file(changes))).toThrow()
  })
})

describe('a guest\'s xl configuration', () => {
  it('carries the workload on the kernel command line', () => {
    const config = xlConfig(parseGuests(file())[0]!, { group: '239.1.2.3', hosts: ['10.0.0.1', '10.0.0.2'] })
    expect(config).toContain('name = "web"\n')
    expect(config).toContain('type = "pvh"\n')
    expect(config).toContain('memory = 256\n')
    expect(config).toContain('mac=00:16:3e:00:00:01,bridge=xenbr0')
    expect(config).toContain('me2.address=10.0.0.5/24 me2.memory=64 me2.file=8 me2.hot=16 me2.dirty=10 me2.check=20 me2.contents=text:2,rows:1 me2.heartbeat=239.1.2.3:7000 me2.hosts=10.0.0.1,10.0.0.2"')
  })

  it('stays below what Linux takes as a command line, 2048 bytes', async () => {
    for (const each of await readGuests(resources))
      expect(xlConfig(each, { group: '239.100.100.100', hosts: ['10.100.100.100', '10.100.100.101'] }).length).toBeLessThan(2048)
  })
})
