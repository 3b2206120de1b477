/** Which disk of a guest can go along with it: one that is the guest's to write, and whose writes can be traced. */
import type { GuestDisk } from './guestDisks.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { explorablePath } from './guestDisks.ts'

/** A disk on its way. */
export interface DiskToMove {
  /** The block device behind it at the source. */
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
  explorablePath(disk)
  if (disk.device === null || disk.bytes === null || !disk.path.startsWith('/'))
    throw new Me2Error('not-supported', `No block device stands behind ${disk.name} of ${guest}, so its writes cannot be traced.`, 'Give it as format=raw with backendtype=phy.')
  return { device: disk.device, to: { path: disk.path, bytes: disk.bytes, overwrite } }
}
