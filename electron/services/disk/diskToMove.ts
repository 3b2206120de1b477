/** Which disk of a guest can go along with it: one that is the guest's to write, and that the control domain serves. */
import type { GuestDisk } from './guestDisks.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { explorablePath } from './guestDisks.ts'

/** A disk on its way. */
export interface DiskToMove {
  /** What is read at the source: the block device behind it, or the file where there is none. */
  device: string
  to: { path: string, bytes: number, overwrite: boolean }
}

/** The one disk that goes along. Throws `guest-state` where there is none, or several, `not-supported` where it cannot go. */
export function diskToMove(disks: readonly GuestDisk[], guest: string, overwrite: boolean): DiskToMove {
  const writable = disks.filter(disk => disk.writable)
  const [disk, another] = writable
  if (!disk)
    throw new Me2Error('guest-state', `${guest} has no disk of its own on its host.`, 'Migrate it without a disk.')
  if (another)
    throw new Me2Error('guest-state', `${guest} has ${writable.length} disks, and one can go along.`, 'Put its data on one disk, or on shared storage.')
  const device = explorablePath(disk)
  if (disk.bytes === null || !disk.path.startsWith('/'))
    throw new Me2Error('not-supported', `The size or the path of ${disk.name} of ${guest} is not known.`, 'Give it as format=raw with the path of a file or block device.')
  return { device, to: { path: disk.path, bytes: disk.bytes, overwrite } }
}
