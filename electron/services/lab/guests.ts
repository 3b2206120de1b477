/**
 * The lab's guests as resources/lab/guests.json describes them, and the `xl` configuration of each.
 * Pure but for the reading of that one file.
 */
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { LabGuest } from './types.ts'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const count = (max: number) => z.number().int().min(0).max(max)
const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)

const mebibyte = 1024 * 1024

/** In dom0, where there is room for disks; see resources/lab/dom0/init. */
const disksFolder = '/var/lib/me2-lab/disks'

const contentKinds = ['text', 'numbers', 'pointers', 'compressed', 'rows', 'zeros'] as const

const profileSchema = z.strictObject({
  memoryMiB: count(65_536),
  fileMiB: count(65_536),
  hotMiB: count(65_536),
  dirtyPagesPerSecond: count(1_000_000),
  checkPagesPerSecond: count(1_000_000),
  /** Of guests with a disk. */
  diskWriteKiBPerSecond: count(1_000_000).default(0),
  diskCheckKiBPerSecond: count(1_000_000).default(0),
  /** Parts of their sum, see resources/lab/guest/content.h. */
  contents: z.partialRecord(z.enum(contentKinds), count(1000)),
})

const guestSchema = z.strictObject({
  name,
  profile: name,
  memoryMiB: z.number().int().min(128).max(65_536),
  /** Only in a lab that is to have one. */
  twin: z.boolean().default(false),
  /** Only in a lab that is to have disks. */
  disk: z.strictObject({ fileSystem: z.enum(['ext4', 'xfs']), mebibytes: z.number().int().min(512).max(65_536) }).optional(),
  mac: z.string().regex(/^00:16:3e(:[0-9a-f]{2}){3}$/),
  address: z.ipv4(),
  heartbeatPort: z.number().int().min(1024).max(65_535),
  sentence: z.string().max(200),
})

const fileSchema = z.strictObject({
  profiles: z.record(name, profileSchema),
  guests: z.array(guestSchema).min(1).max(16),
}).refine(file => file.guests.every(guest => guest.profile in file.profiles), 'a guest names a profile that is not there')

export type GuestProfile = z.infer<typeof profileSchema>

export interface GuestSpec extends LabGuest {
  /** What its workload does, by numbers. */
  work: GuestProfile
}

/** What a workload holds grows with its guest; how fast it writes and checks stays. */
function scaled(work: GuestProfile, factor: number): GuestProfile {
  const grown = (mebibytes: number) => Math.round(mebibytes * factor)
  return { ...work, memoryMiB: grown(work.memoryMiB), fileMiB: grown(work.fileMiB), hotMiB: grown(work.hotMiB) }
}

/** The guests that such a lab starts. Throws where the file is not as it must be. */
export function parseGuests(json: string, plan: LabPlan): GuestSpec[] {
  const file = fileSchema.parse(JSON.parse(json))
  const wanted = file.guests.filter(({ twin, disk }) => !plan.bare && (!twin || plan.twin) && (!disk || plan.disks))
  return wanted.map(({ memoryMiB, twin: _, disk, ...guest }) => ({
    ...guest,
    ...disk && { disk: { path: `${disksFolder}/${guest.name}.img`, fileSystem: disk.fileSystem, bytes: disk.mebibytes * mebibyte } },
    memoryBytes: plan.guestMemoryMiB * mebibyte,
    work: scaled(file.profiles[guest.profile]!, plan.guestMemoryMiB / memoryMiB),
  }))
}

export async function readGuests(resourcesDir: string, plan: LabPlan): Promise<GuestSpec[]> {
  return parseGuests(await readFile(join(resourcesDir, 'guests.json'), 'utf8'), plan)
}

/** The part of a guest that the rest of the console sees. */
export function describeGuest({ work: _, ...guest }: GuestSpec): LabGuest {
  return guest
}

/** Where heartbeats go. */
export interface HeartbeatTo {
  /** Multicast address that all hosts have joined. */
  group: string
  /** The hosts' addresses: a guest asks them whether anybody listens, and keeps quiet if not. */
  hosts: readonly string[]
}

/** Kernel parameters; those with a dot reach the guest's init and no kernel code. */
function kernelParameters(guest: GuestSpec, heartbeatTo: HeartbeatTo): string {
  const { work, disk } = guest
  const contents = Object.entries(work.contents).map(([kind, weight]) => `${kind}:${weight}`)
  const settings = {
    address: `${guest.address}/24`,
    memory: work.memoryMiB,
    file: work.fileMiB,
    hot: work.hotMiB,
    dirty: work.dirtyPagesPerSecond,
    check: work.checkPagesPerSecond,
    contents: contents.join(),
    ...disk && { disk: disk.fileSystem, diskwrite: work.diskWriteKiBPerSecond, diskcheck: work.diskCheckKiBPerSecond },
    heartbeat: `${heartbeatTo.group}:${guest.heartbeatPort}`,
    hosts: heartbeatTo.hosts.join(),
  }
  const ours = Object.entries(settings).map(([key, value]) => `me2.${key}=${value}`)
  return ['console=hvc0', 'loglevel=4', 'mitigations=off', 'ipv6.disable=1', ...ours].join(' ')
}

/** The guest's configuration file in the format of xl.cfg(5). */
export function xlConfig(guest: GuestSpec, heartbeatTo: HeartbeatTo): string {
  return [
    `name = "${guest.name}"`,
    'type = "pvh"',
    'kernel = "/boot/vmlinuz"',
    `ramdisk = "/boot/${guest.disk ? 'guest-disk' : 'guest'}.cpio.gz"`,
    `memory = ${guest.memoryBytes / mebibyte}`,
    'vcpus = 1',
    // By default Xen emulates RDTSC, because QEMU's is not invariant: each look at the clock would cost a guest 0.1 ms.
    'tsc_mode = "native"',
    `vif = [ "mac=${guest.mac},bridge=xenbr0" ]`,
    ...guest.disk ? [`disk = [ "format=raw,vdev=xvda,access=rw,target=${guest.disk.path}" ]`] : [],
    `extra = "${kernelParameters(guest, heartbeatTo)}"`,
    'on_crash = "preserve"',
    'on_reboot = "destroy"',
    '',
  ].join('\n')
}
