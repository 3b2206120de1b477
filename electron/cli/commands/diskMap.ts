import type { Volume } from '../../../shared/agent/messages.ts'
import type { DiskMap } from '../../services/disk/diskMap.ts'
import type { GuestDisk } from '../../services/disk/guestDisks.ts'
import type { HostHandle } from '../../services/migration/hostHandle.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Context, Output } from '../command.ts'
import type { ChosenHost, ChosenLab } from '../hostSelection.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { countDiskClasses, diskBlockBytes } from '../../../shared/model/diskClass.ts'
import { formatBytes, formatCount, formatMs, formatShare } from '../../../shared/model/format.ts'
import { readDiskMap } from '../../services/disk/diskMap.ts'
import { disksOf } from '../../services/disk/diskMaps.ts'
import { explorablePath } from '../../services/disk/guestDisks.ts'
import { usage } from '../arguments.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, handleFor, hostOptions } from '../hostSelection.ts'
import { formatTable } from '../table.ts'

/** What is looked at, and where. */
interface Subject {
  host: ChosenHost
  /** Null: the path was given. */
  guest: string | null
}

const tableNames = { gpt: 'GPT', mbr: 'MBR', none: 'no partition table' } as const

function volumeRow({ name, kind, state, offset, bytes, freeBytes, note }: Volume): string[] {
  return [name, kind, state, formatBytes(offset), formatBytes(bytes), formatBytes(freeBytes), note ?? '']
}

function describe({ host, guest }: Subject, disk: GuestDisk | null, path: string, map: DiskMap): Output {
  const { runs: _, counts, ...found } = map
  const classes = countDiskClasses(counts)
  const rows = classes.filter(({ blocks }) => blocks > 0).map(({ label, blocks, bytes, share }) => [label, formatCount(blocks), formatBytes(bytes), formatShare(share)])
  const subject = guest === null ? path : `${disk?.name} of ${guest} (${path})`
  const text = [
    `${subject} on ${host.name}: ${formatBytes(map.bytes)}, ${tableNames[map.table]}${map.tableFromBackup ? ', read from its copy' : ''}, looked at in ${formatMs(map.ms)}.`,
    '',
    formatTable([['volume', 'kind', 'state', 'at', 'size', 'free', ''], ...map.volumes.map(volumeRow)], ['left', 'left', 'left', 'right', 'right', 'right', 'left']),
    '',
    formatTable([['class', 'blocks', 'bytes', 'share'], ...rows, ['all', formatCount(map.blocks), formatBytes(map.blocks * diskBlockBytes), '']]),
  ]
  return { json: { host: host.name, guest, disk, path, blockBytes: diskBlockBytes, ...found, classes }, text: text.join('\n') }
}

/** The one that was named, or the only one. */
function chooseDisk(disks: readonly GuestDisk[], guest: string, named: string | undefined): GuestDisk {
  if (disks.length === 0)
    throw new Me2Error('not-supported', `${guest} has no disk.`, 'A disk that no running guest has is looked at with --path.')
  const names = disks.map(({ name }) => name).join(', ')
  if (named === undefined && disks.length > 1)
    throw usage('Which disk?', `Name one with --disk: ${names}.`)
  const disk = named === undefined ? disks[0] : disks.find(({ name }) => name === named)
  if (!disk)
    throw usage(`${guest} has no disk ${named}.`, `Its disks: ${names}.`)
  return disk
}

async function findSubject(context: Context, lab: ChosenLab, args: Arguments): Promise<Subject> {
  if (args.text('path') === undefined)
    return locateGuest(context, lab, args)
  if (args.text('guest') !== undefined || args.text('disk') !== undefined)
    throw usage('--path says which disk; --guest and --disk do not go with it.')
  const named = args.text('host')
  const host = named === undefined ? lab.hosts[0] : lab.find(named)
  if (!host || (named === undefined && lab.hosts.length > 1))
    throw usage('Which host?', 'Name it with --host or --ssh.')
  return { host, guest: null }
}

async function look(handle: HostHandle, subject: Subject, args: Arguments, requestMs: number): Promise<Output> {
  const { guest } = subject
  const disk = guest === null ? null : chooseDisk(await disksOf(handle, guest, requestMs), guest, args.text('disk'))
  const path = disk ? explorablePath(disk) : args.text('path')!
  return describe(subject, disk, path, await readDiskMap(await handle.session(), path))
}

export const diskMapCommand: Command = {
  path: ['disk', 'map'],
  operands: [],
  summary: 'Tells what each block of a guest\'s disk is to its own file system.',
  options: [
    { name: 'guest', value: 'GUEST', help: 'the guest; it runs' },
    { name: 'disk', value: 'DISK', help: 'which of its disks, as the guest calls it (xvda); default: the only one' },
    { name: 'path', value: 'PATH', help: 'instead of a guest: a raw file or block device on the host, such as the disk of a guest that is shut down' },
    { name: 'host', value: 'HOST', help: 'the host; default for a guest on the boxed lab: found by itself' },
    ...hostOptions,
  ],
  run: async (context, args) => {
    const subject = await findSubject(context, await chooseLab(context, args), args)
    const handle = handleFor(context, subject.host)
    try {
      return await look(handle, subject, args, context.services.timing.requestMs)
    }
    finally {
      await handle.close()
    }
  },
}
