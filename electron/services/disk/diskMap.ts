/**
 * One look at a disk: `agent disk-map` writes one JSON line about what it found on stderr, and one binary frame with the
 * class of each block on stdout.
 */
import type { DiskMapMessage } from '../../../shared/agent/messages.ts'
import type { HostSession } from '../migration/hostHandle.ts'
import { readDiskFrame } from '../../../shared/agent/diskFrame.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { errorFrom, maxLineBytes, parseMessage } from '../agent/parse.ts'
import { collect } from '../ssh/remoteProcess.ts'

/** 100 GB take two seconds of a real host; an emulated one has a slower disk, too. */
const timeoutMs = 120_000
/** Room for 32 million runs. */
const maxFrameBytes = 64 * 1024 * 1024

export interface DiskMap extends Omit<DiskMapMessage, 't'> {
  /** Each a LEB128 count of blocks and a class byte; checked. */
  runs: Uint8Array
}

function parseIntroduction(stderr: string, host: string): DiskMapMessage {
  const [line = ''] = stderr.split('\n', 1)
  if (line === '')
    throw new Me2Error('agent-missing', `The agent on ${host} gave no answer.`, 'Deploy the agent again.')
  const message = parseMessage(line)
  if (message.t === 'error')
    throw errorFrom(message)
  if (message.t !== 'diskMap' || message.counts.reduce((sum, blocks) => sum + blocks, 0) !== message.blocks)
    throw new Me2Error('agent-protocol', 'The agent did not say what is on the disk.', 'Remove the agent from the host and let it be uploaded anew.')
  return message
}

/**
 * Looks at the file or block device `path` on the host. Throws the agent's own error, `usage` for a path that is not
 * absolute, `output-too-large`, `agent-protocol`, `connection-lost`.
 */
export async function readDiskMap({ connection, agent }: HostSession, path: string): Promise<DiskMap> {
  if (!path.startsWith('/'))
    throw new Me2Error('usage', `${path} is no absolute path.`, 'Give the path of a file or block device on the host, from / on.')
  const { host } = connection.target
  const process = await agent.startBinary(['disk-map', path])
  process.stdin.end()
  const { stdout, stderr } = await collect(process, { name: 'disk-map', host, maxBytes: maxFrameBytes, maxStderrBytes: maxLineBytes, timeoutMs })
  const { t: _, ...found } = parseIntroduction(stderr, host)
  return { ...found, runs: readDiskFrame(stdout, found.blocks) }
}
