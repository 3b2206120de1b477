/** Checked before anything is started, so that nobody finds a full disk half-way through. */
import { readFile, statfs } from 'node:fs/promises'
import { Me2Error } from '../../../shared/errors.ts'

const gigabyte = 1_000_000_000

/** One image, its temporary files, and what two hosts write. */
export const imageDiskBytes = 2 * gigabyte

export function parseAvailableBytes(meminfo: string): number {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024
}

export async function freeDiskBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function inGigabytes(bytes: number): string {
  return `${(bytes / gigabyte).toFixed(1)} GB`
}

/** Throws `lab-no-space`. */
export async function requireDisk(folder: string, bytes: number): Promise<void> {
  const free = await freeDiskBytes(folder)
  if (free < bytes)
    throw new Me2Error('lab-no-space', `The boxed lab needs ${inGigabytes(bytes)} of disk in ${folder}; ${inGigabytes(free)} are free.`, 'Free some disk space, or set XDG_CACHE_HOME to a folder on a larger disk.')
}

/** Throws `lab-no-space`. */
export async function requireMemory(bytes: number): Promise<void> {
  const free = parseAvailableBytes(await readFile('/proc/meminfo', 'utf8'))
  if (free < bytes)
    throw new Me2Error('lab-no-space', `The boxed lab needs ${inGigabytes(bytes)} of memory; ${inGigabytes(free)} are available.`, 'Close other programs and try again.')
}
