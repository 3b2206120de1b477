/** A disk and a look at it, as the console tells of them. */
import type { DiskMapView, GuestDiskView } from '../../../shared/contract/disks.ts'

export function guestDisk(name: string): GuestDiskView {
  return { name, path: `/var/lib/${name}.img`, format: 'raw', device: '/dev/loop0', bytes: 32_768, writable: true, problem: null }
}

/** Eight blocks: metadata, journal, two of data, four free. */
export function lookAt(): DiskMapView {
  return {
    bytes: 32_768,
    blocks: 8,
    ms: 12.5,
    table: 'none',
    tableFromBackup: false,
    counts: [0, 4, 0, 1, 1, 0, 2, 0, 0, 0],
    volumes: [{ name: 'disk', kind: 'ext4', uuid: null, offset: 0, bytes: 32_768, state: 'replayed', freeBytes: 16_384, doubtfulBytes: 0, note: null }],
    blocksPerPlace: 1,
    places: 8,
    runs: Uint8Array.of(1, 3, 1, 4, 2, 6, 4, 1),
  }
}
