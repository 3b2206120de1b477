/** `agent disk-map` as the console will read it: the list of volumes, and a class for each block (PROTOCOL.md). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'

const execute = promisify(execFile)
const frameBytesMax = 1 << 28

export const blockBytes = 4096
/** The numbers of disk_class.h. */
export const diskClass = { unknown: 0, free: 1, zero: 2, metadata: 3, journal: 4, inodeTable: 5, data: 6, swap: 7, partition: 8, doubtful: 9 } as const

const bytes = z.int().nonnegative()

const volumeSchema = z.object({
  name: z.string(),
  kind: z.string(),
  uuid: z.string().nullable(),
  offset: bytes,
  bytes,
  state: z.enum(['unknown', 'clean', 'replayed', 'doubtful']),
  freeBytes: bytes,
  doubtfulBytes: bytes,
  note: z.string().nullable(),
})
export type Volume = z.infer<typeof volumeSchema>

const diskMapSchema = z.object({
  t: z.literal('diskMap'),
  bytes,
  blocks: bytes,
  direct: z.boolean(),
  ms: z.number(),
  table: z.enum(['gpt', 'mbr', 'none']),
  tableFromBackup: z.boolean(),
  counts: z.array(bytes).length(Object.keys(diskClass).length),
  volumes: z.array(volumeSchema),
})

export interface DiskMap extends z.infer<typeof diskMapSchema> {
  /** One a block. */
  classes: Uint8Array
}

function decodeFrame(frame: Buffer): Uint8Array {
  if (frame.toString('latin1', 0, 4) !== 'ME2M' || frame[4] !== 1 || frame.readUInt32LE(8) !== frame.length - 40)
    throw new Error('this is no snapshot of a map')
  const classes = new Uint8Array(Number(frame.readBigUInt64LE(32)))
  let at = 40
  let block = 0
  while (at < frame.length) {
    let count = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = frame[at++]!
      count += (byte & 0x7F) * scale
      if (byte < 0x80)
        break
    }
    classes.fill(frame[at++]!, block, block + count)
    block += count
  }
  if (block !== classes.length)
    throw new Error(`the map covers ${block} of ${classes.length} blocks`)
  return classes
}

export async function mapDisk(agent: string, disk: string): Promise<DiskMap> {
  const { stdout, stderr } = await execute(agent, ['disk-map', disk], { encoding: 'buffer', maxBuffer: frameBytesMax })
  return { ...diskMapSchema.parse(JSON.parse(stderr.toString())), classes: decodeFrame(stdout) }
}
