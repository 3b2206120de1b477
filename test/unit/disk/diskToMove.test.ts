import type { GuestDisk } from '../../../electron/services/disk/guestDisks.ts'
import { expect, it } from 'vitest'
import { diskToMove } from '../../../electron/services/disk/diskToMove.ts'

const disk: GuestDisk = { name: 'xvda', path: '/var/lib/files.img', format: 'raw', device: '/dev/loop0', bytes: 2 ** 31, writable: true, servedBy: 0 }

it('takes the one disk that is the guest\'s to write', () => {
  const readOnly = { ...disk, name: 'xvdb', writable: false }
  expect(diskToMove([readOnly, disk], 'files', true)).toEqual({ device: '/dev/loop0', to: { path: '/var/lib/files.img', bytes: 2 ** 31, overwrite: true } })
})

it('takes a file with no block device behind it, too: its writes are found by hashes', () => {
  expect(diskToMove([{ ...disk, device: null }], 'files', false).device).toBe('/var/lib/files.img')
})

it.each([
  ['there is none', [], 'no disk of its own'],
  ['there are two', [disk, { ...disk, name: 'xvdb' }], '2 disks'],
  ['it is an image', [{ ...disk, format: 'qcow2' }], 'qcow2'],
  ['another domain serves it', [{ ...disk, servedBy: 3 }], 'domain 3'],
  ['its size is not known', [{ ...disk, device: null, bytes: null }], 'not known'],
])('refuses where %s', (_, disks, words) => {
  expect(() => diskToMove(disks, 'files', false)).toThrow(words)
})
