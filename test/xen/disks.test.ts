/** Guests with disks of their own, in a lab of its own: what everything that looks into disks or moves them builds on. */
import type { Lab } from '../../electron/services/lab/lab.ts'
import type { LabGuest } from '../../electron/services/lab/types.ts'
import type { AgentMessageOf } from '../../shared/agent/messages.ts'
import type { TestHost } from './support/migrateOnce.ts'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLab, defaultCacheDir } from '../../electron/services/lab/lab.ts'
import { usualLabPlan } from '../../shared/model/labPlan.ts'
import { labResources, openHost } from './support/migrateOnce.ts'

const disks = '/var/lib/me2-lab/disks'
const gibibyte = 1024 ** 3

let lab: Lab
let hosts: TestHost[] = []
let a: TestHost
let b: TestHost
let guests: LabGuest[]

beforeAll(async () => {
  lab = createLab({ cacheDir: join(defaultCacheDir(), 'disks'), resourcesDir: labResources, log: line => console.log(line) })
  await lab.down()
  const status = await lab.up({ plan: { ...usualLabPlan, disks: true } }, ({ phase, detail, elapsedMs }) => console.log(`lab ${(elapsedMs / 1000).toFixed(0)} s ${phase}: ${detail}`))
  hosts = status.hosts.map(openHost)
  a = hosts[0]!
  b = hosts[1]!
  guests = status.guests.filter(({ disk }) => disk)
})

afterAll(async () => {
  await Promise.all(hosts.map(async ({ handle }) => handle.close()))
  await lab.down()
})

async function on(host: TestHost, ...argv: string[]): Promise<string> {
  const { connection } = await host.handle.session()
  const { code, stdout, stderr } = await connection.exec(argv, { timeoutMs: 300_000 })
  expect(code, `${host.name}: ${argv.join(' ')}: ${stdout.toString()}${stderr}`).toBe(0)
  return stdout.toString().trim()
}

/** What it last said until it had checked so many files in all. */
async function hearOfFiles(host: TestHost, guest: LabGuest, files: number): Promise<AgentMessageOf<'heartbeat'>> {
  const { agent } = await host.handle.session()
  const listening = await agent.start(['heartbeat', '--port', `${guest.heartbeatPort}`, '--from', guest.address])
  let last: AgentMessageOf<'heartbeat'> | undefined
  for await (const message of listening.messages) {
    if (message.t !== 'heartbeat')
      continue
    last = message
    if ((message.filesChecked ?? 0) >= files)
      listening.end()
  }
  return last!
}

/** Resolves when libxl's scripts have let go of the disk as well. */
async function shutDown(guest: LabGuest): Promise<string> {
  await on(a, 'xl', 'shutdown', '-w', guest.name)
  await on(a, 'timeout', '120', 'sh', '-c', 'while xl domid "$1" || losetup -l | grep -F "$2"; do sleep 1; done', 'sh', guest.name, guest.disk!.path)
  return on(a, 'tail', '-n', '20', `/var/log/xen/console/guest-${guest.name}.log`)
}

async function checkFileSystem({ disk }: LabGuest): Promise<void> {
  await on(a, ...disk!.fileSystem === 'ext4' ? ['e2fsck', '-fn'] : ['xfs_repair', '-n'], disk!.path)
}

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
      expect(await shutDown(guest), guest.name).toMatch(/^ME2 stopped bad=0/m)
      await checkFileSystem(guest)
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
    await on(a, 'xl', 'create', '-q', `/etc/xen/${guest.name}.cfg`)
    expect(await hearOfFiles(a, guest, 50)).toMatchObject({ bad: 0, fileErrors: 0 })
  })

  it('can be told never to sync: then the disk knows of nothing that was written, not even in its journal', async () => {
    const guest = guests[0]!
    await on(a, 'sh', '-c', 'sed "s/ me2.disk=/ me2.sync=never&/" "/etc/xen/$1.cfg" >/tmp/never.cfg && xl create -q /tmp/never.cfg', 'sh', guest.name)
    const heard = await hearOfFiles(a, guest, 50)
    expect(heard).toMatchObject({ bad: 0, fileErrors: 0 })
    expect(heard.diskWrittenBytes!).toBeGreaterThan(2 ** 20)
    expect(await on(a, 'dumpe2fs', '-h', guest.disk!.path)).toMatch(/^Journal start:\s+0$/m)
    expect(await shutDown(guest)).toMatch(/^ME2 stopped bad=0/m)
    await checkFileSystem(guest)
  })
})
