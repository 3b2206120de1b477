/** A boxed lab whose guests have disks, beside whatever runs already; and what dom0 tells of those disks. */
import type { Lab } from '../../../electron/services/lab/lab.ts'
import type { LabGuest } from '../../../electron/services/lab/types.ts'
import type { AgentMessageOf } from '../../../shared/agent/messages.ts'
import type { Attempt, AttemptOptions, TestHost } from './migrateOnce.ts'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { diskToMove } from '../../../electron/services/disk/diskToMove.ts'
import { guestDisks } from '../../../electron/services/disk/guestDisks.ts'
import { createLab, defaultCacheDir } from '../../../electron/services/lab/lab.ts'
import { domainsOn } from '../../../electron/services/migration/findGuest.ts'
import { defaultTiming } from '../../../electron/services/migration/timing.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'
import { agentPath, labResources, migrateOnce, openHost } from './migrateOnce.ts'

export interface DiskLab {
  lab: Lab
  a: TestHost
  b: TestHost
  /** Those with a disk. */
  guests: LabGuest[]
}

async function startDiskLab(): Promise<DiskLab> {
  const lab = createLab({ cacheDir: join(defaultCacheDir(), 'disks'), resourcesDir: labResources, log: line => console.log(line) })
  await lab.down()
  const status = await lab.up({ plan: { ...usualLabPlan, disks: true } }, ({ phase, detail, elapsedMs }) => console.log(`lab ${(elapsedMs / 1000).toFixed(0)} s ${phase}: ${detail}`))
  const [a, b] = status.hosts.map(host => openHost(host))
  return { lab, a: a!, b: b!, guests: status.guests.filter(({ disk }) => disk) }
}

async function endDiskLab({ lab, a, b }: DiskLab): Promise<void> {
  await Promise.all([a, b].map(async ({ handle }) => handle.close()))
  await lab.down()
}

/** One for all tests of a file; its fields are there once these run. */
export function useDiskLab(): DiskLab {
  const lab = {} as DiskLab
  beforeAll(async () => {
    Object.assign(lab, await startDiskLab())
  })
  afterAll(async () => endDiskLab(lab))
  return lab
}

/** One migration with the guest's disk, preset best if nothing else is said. */
export async function migrateWithDisk(guest: LabGuest, source: TestHost, target: TestHost, options: AttemptOptions = {}): Promise<Attempt> {
  const domain = (await domainsOn(source.handle, defaultTiming.requestMs)).find(({ name }) => name === guest.name)
  const disks = await guestDisks(await source.handle.session(), domain!.domid)
  return migrateOnce(source, target, guest, { encoding: presets.best, ...options, disk: diskToMove(disks, guest.name, true) })
}

/** Its output; fails the test where it fails. */
export async function on(host: TestHost, ...argv: string[]): Promise<string> {
  const { connection } = await host.handle.session()
  const { code, stdout, stderr } = await connection.exec(argv, { timeoutMs: 300_000 })
  expect(code, `${host.name}: ${argv.join(' ')}: ${stdout.toString()}${stderr}`).toBe(0)
  return stdout.toString().trim()
}

/** What the guest last said until it had checked so many files in all; the agent speaks before it has heard the guest. */
export async function hearOfFiles(host: TestHost, guest: LabGuest, files: number): Promise<AgentMessageOf<'heartbeat'>> {
  const { agent } = await host.handle.session()
  const listening = await agent.start(['heartbeat', '--port', `${guest.heartbeatPort}`, '--from', guest.address])
  let last: AgentMessageOf<'heartbeat'> | undefined
  for await (const message of listening.messages) {
    if (message.t !== 'heartbeat')
      continue
    last = message
    if (message.filesChecked !== undefined && message.filesChecked >= files)
      listening.end()
  }
  return last!
}

/** How many more files a guest must find right before it is believed; some are written among so many. */
export const filesAfterwards = 40

/** It runs on, its files are right (it counts errors since its start), and it goes on writing and checking. */
export async function expectSoundFiles(guest: LabGuest, host: TestHost): Promise<void> {
  const now = await hearOfFiles(host, guest, 0)
  const later = await hearOfFiles(host, guest, now.filesChecked! + filesAfterwards)
  expect(later, guest.name).toMatchObject({ bad: 0, fileErrors: 0 })
  expect(later.diskWrittenBytes!).toBeGreaterThan(now.diskWrittenBytes!)
}

/** A guest that came by a migration goes on in a log of its own. */
const lastWordsScript = 'tail -n 20 "$(ls -t "$1.log" "$1--incoming.log" 2>/dev/null | head -n 1)"'

/** Resolves, with the guest's last words, when libxl's scripts have let go of the disk as well. */
export async function shutDown(host: TestHost, guest: LabGuest): Promise<string> {
  await on(host, 'xl', 'shutdown', '-w', guest.name)
  await on(host, 'timeout', '120', 'sh', '-c', 'while xl domid "$1" || losetup -l | grep -F "$2"; do sleep 1; done', 'sh', guest.name, guest.disk!.path)
  return on(host, 'sh', '-c', lastWordsScript, 'sh', `/var/log/xen/console/guest-${guest.name}`)
}

export async function checkFileSystem(host: TestHost, { disk }: LabGuest): Promise<void> {
  await on(host, ...disk!.fileSystem === 'ext4' ? ['e2fsck', '-fn'] : ['xfs_repair', '-n'], disk!.path)
}

/** `options`: for the guest's kernel parameters, before its disk's. */
export async function createGuest(host: TestHost, { name }: LabGuest, options = ''): Promise<void> {
  await on(host, 'sh', '-c', 'sed "s| me2.disk=|$2 me2.disk=|" "/etc/xen/$1.cfg" >/tmp/guest.cfg && xl create -q /tmp/guest.cfg', 'sh', name, options)
}

/** On either host, or on none. */
export async function destroyWhereItIs({ a, b }: DiskLab, { name }: LabGuest): Promise<void> {
  for (const host of [a, b])
    await on(host, 'sh', '-c', 'if xl domid "$1" 2>/dev/null; then xl destroy "$1"; fi', 'sh', name)
}

/** With a disk made anew: one whose guest was destroyed, or went on elsewhere, is no start for another. */
export async function startAfresh(lab: DiskLab, host: TestHost, guest: LabGuest, options = ''): Promise<void> {
  await destroyWhereItIs(lab, guest)
  const { path, fileSystem, bytes } = guest.disk!
  await on(host, 'lab-make-disk', path, fileSystem, `${bytes / 1024 / 1024}`)
  await createGuest(host, guest, options)
  await hearOfFiles(host, guest, filesAfterwards)
}

/** Another build of the agent (resources/agent/test/with*_*.c), on both hosts for as long as `use` takes. */
export async function withAgent<T>(name: string, hosts: readonly TestHost[], use: (...hosts: TestHost[]) => Promise<T>): Promise<T> {
  const build = join(agentPath, '..')
  await promisify(execFile)('make', ['-s', '-C', join(build, '..'), `build/${name}`])
  const others = hosts.map(host => openHost(host, join(build, name)))
  try {
    return await use(...others)
  }
  finally {
    await Promise.all(others.map(async ({ handle }) => handle.close()))
  }
}
