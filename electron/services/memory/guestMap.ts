/**
 * A guest's memory map, live from the agent: `agent map` writes one JSON line about the guest on stderr, then binary
 * frames on stdout (shared/agent/mapFrame.ts).
 */
import type { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { MapFrame } from '../../../shared/agent/mapFrame.ts'
import type { HostAgent } from '../agent/types.ts'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import { MapFrameDecoder } from '../../../shared/agent/mapFrame.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { errorFrom } from '../agent/parse.ts'

const share = z.number().min(0).max(1).nullable()

const introductionSchema = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('map'),
    kernel: z.string().max(256),
    shares: z.object({ usedMixed: share, usedMixedRle: share, freeMixed: share }).optional(),
  }),
  z.object({ t: z.literal('error'), code: z.string().max(256), message: z.string().max(1024), action: z.string().max(1024) }),
])

const maxIntroductionCharacters = 65_536

/**
 * What there is to gain. Parts of the pages that exist: in use and not constant, free and not constant (old data).
 * `usedMixedRle`: what word-RLE leaves of the bytes in use and not constant. Null where there are no such pages.
 */
export interface MapShares {
  usedMixed: number | null
  usedMixedRle: number | null
  freeMixed: number | null
}

export interface GuestMapOptions {
  /** Go on with a delta this often; otherwise one snapshot. */
  everyMs?: number
  /** Look at every page's content too. */
  shares?: boolean
  /** With `everyMs`: tell, too, which pages were found written. */
  written?: boolean
}

export interface GuestMap {
  /** The guest's kernel, e.g. "6.1.0-51-amd64". */
  kernel: string
  /** Only where they were asked for. */
  shares: MapShares | null
  /** Ends with the agent. Throws `agent-protocol` for a damaged frame, `connection-lost`. */
  frames: AsyncIterable<MapFrame>
  /** The agent ends by itself when its stdin does. */
  close: () => void
}

/** Later lines are let go, so that they cannot hold up the other stream of the channel. */
async function firstLine(stream: Readable): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let text = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += decoder.write(chunk)
    if (text.includes('\n') || text.length > maxIntroductionCharacters)
      break
  }
  stream.resume()
  return text.split('\n', 1)[0]!
}

function parseIntroduction(line: string): z.infer<typeof introductionSchema> {
  try {
    return introductionSchema.parse(JSON.parse(line))
  }
  catch (cause) {
    throw new Me2Error('agent-protocol', 'The agent did not say what it maps.', 'Remove the agent from the host and let it be uploaded anew.', { cause })
  }
}

async function* decodeFrames(stdout: Readable, exit: Promise<{ lost: boolean }>): AsyncGenerator<MapFrame> {
  const decoder = new MapFrameDecoder()
  for await (const chunk of stdout as AsyncIterable<Buffer>)
    yield* decoder.push(chunk)
  if ((await exit).lost)
    throw new Me2Error('connection-lost', 'The connection to the host was lost while it sent the memory map.', 'Try again.')
  decoder.end()
}

function mapArguments(guest: string, { everyMs, shares, written }: GuestMapOptions): string[] {
  return ['map', guest, ...(everyMs === undefined ? [] : ['--every', String(everyMs)]), ...(shares ? ['--shares'] : []), ...(written ? ['--written'] : [])]
}

/** Starts a map and waits until the guest's kernel is understood. Throws the agent's own error, `not-understood` among them. */
export async function openGuestMap(agent: HostAgent, guest: string, options: GuestMapOptions = {}): Promise<GuestMap> {
  const process = await agent.startBinary(mapArguments(guest, options))
  const close = (): void => process.close()
  try {
    const introduction = parseIntroduction(await firstLine(process.stderr))
    if (introduction.t === 'error')
      throw errorFrom(introduction)
    const { kernel, shares } = introduction
    return { kernel, shares: shares ?? null, frames: decodeFrames(process.stdout, process.exit), close }
  }
  catch (error) {
    close()
    throw error
  }
}
