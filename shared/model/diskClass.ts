/**
 * What a block of a disk is to the guest that owns it. The numbers are those of resources/agent/src/disk_class.h: they
 * travel in map frames, so they are appended to and never renumbered.
 */
export const diskClasses = [
  { id: 'unknown', label: 'not understood, used' },
  { id: 'free', label: 'free' },
  { id: 'zero', label: 'zero' },
  { id: 'metadata', label: 'file system metadata' },
  { id: 'journal', label: 'journal' },
  { id: 'inodeTable', label: 'inode tables' },
  { id: 'data', label: 'file data' },
  { id: 'swap', label: 'swap' },
  { id: 'partition', label: 'partition tables, LVM' },
  { id: 'doubtful', label: 'perhaps free, used' },
] as const

export type DiskClassId = typeof diskClasses[number]['id']

/** Bytes of one block of a disk, whatever the block size of the file system in it. */
export const diskBlockBytes = 4096

/** What a map draws one by one. Of a larger disk several blocks share a place of the map. */
export const maxMapPlaces = 2 ** 24

export interface DiskClassCount {
  id: DiskClassId
  label: string
  blocks: number
  bytes: number
  /** Part of all blocks, 0 … 1. */
  share: number
}

/** `counts`: blocks by class number. A class this version does not know counts as unknown: a newer agent may have appended one. */
export function countDiskClasses(counts: readonly number[]): DiskClassCount[] {
  const all = counts.reduce((sum, blocks) => sum + blocks, 0)
  const notKnown = counts.slice(diskClasses.length).reduce((sum, blocks) => sum + blocks, 0)
  return diskClasses.map((diskClass, index) => {
    const blocks = (counts[index] ?? 0) + (index === 0 ? notKnown : 0)
    return { ...diskClass, blocks, bytes: blocks * diskBlockBytes, share: all === 0 ? 0 : blocks / all }
  })
}
