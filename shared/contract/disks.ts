/** A guest's disks, block by block. */
import { z } from 'zod'
import { partitionTables, volumeSchema } from '../agent/messages.ts'
import { maxMapPlaces } from '../model/diskClass.ts'
import { bytesUpTo } from './bytes.ts'
import { forViewers, problemSchema, shortName } from './procedure.ts'

const guestDiskSchema = z.object({
  /** What the guest calls it: xvda. */
  name: z.string(),
  /** The file or block device that its configuration names. */
  path: z.string(),
  /** "raw", or an image format such as "qcow2". */
  format: z.string(),
  /** The host's block device behind it; null where there is none. */
  device: z.string().nullable(),
  bytes: z.number().nullable(),
  writable: z.boolean(),
  /** Why it cannot be looked into. */
  problem: problemSchema.nullable(),
})
export type GuestDiskView = z.infer<typeof guestDiskSchema>

const diskMapSchema = z.object({
  bytes: z.number(),
  blocks: z.number(),
  /** How long the host took to look. */
  ms: z.number(),
  table: z.enum(partitionTables),
  /** The partition table is damaged, and its copy was read. */
  tableFromBackup: z.boolean(),
  /** Blocks by class number (shared/model/diskClass.ts). */
  counts: z.array(z.number()),
  /** What holds others precedes them. */
  volumes: z.array(volumeSchema),
  /** So many blocks share a place of the map, which shows the class that most of them have. A power of two. */
  blocksPerPlace: z.number(),
  places: z.number().max(maxMapPlaces),
  /** Bytes of runs of places, each a LEB128 count and a class byte; decode with shared/agent/mapRuns.ts. */
  runs: bytesUpTo(maxMapPlaces * 2),
})
export type DiskMapView = z.infer<typeof diskMapSchema>

const which = { host: shortName, guest: shortName }

export const disks = {
  /** Of a guest that runs on the host. Empty drives are left out. */
  list: forViewers.input(z.object(which)).output(z.array(guestDiskSchema)),
  /** One look at a disk as it is now; nothing of its contents. */
  map: forViewers.input(z.object({ ...which, disk: shortName })).output(diskMapSchema),
}
