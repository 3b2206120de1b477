/** `agent disk-map` as the console reads it: the list of volumes, and a class for each block. */
import type { DiskMapMessage } from '../../../shared/agent/messages.ts'
import type { DiskClassId } from '../../../shared/model/diskClass.ts'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { parseMessage } from '../../../electron/services/agent/parse.ts'
import { readDiskFrame } from '../../../shared/agent/diskFrame.ts'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'
import { diskClasses } from '../../../shared/model/diskClass.ts'

const execute = promisify(execFile)
const frameBytesMax = 1 << 28

/** Their numbers by name. */
export const diskClass = Object.fromEntries(diskClasses.map(({ id }, number) => [id, number])) as Record<DiskClassId, number>

export interface DiskMap extends DiskMapMessage {
  /** One a block. */
  classes: Uint8Array
}

export async function mapDisk(agent: string, disk: string): Promise<DiskMap> {
  const { stdout, stderr } = await execute(agent, ['disk-map', disk], { encoding: 'buffer', maxBuffer: frameBytesMax })
  const message = parseMessage(stderr.toString().trim())
  if (message.t !== 'diskMap')
    throw new Error(`the agent said ${message.t}`)
  return { ...message, classes: decodeMapRuns(readDiskFrame(stdout, message.blocks), message.blocks) }
}
