/** A guest's live map as the contract's messages: runs instead of one byte a frame. */
import type { MapFrame, MapRun } from '../../../shared/agent/mapFrame.ts'
import type { MapMessage } from '../../../shared/contract/memory.ts'
import type { HostAgent } from '../agent/types.ts'
import { openGuestMap } from './guestMap.ts'

const mostBytesOfCount = 5

/** Runs of equal class, each a LEB128 count and a class byte; the form of the agent's snapshots (PROTOCOL.md, "map frames"). */
export function encodeMapRuns(classes: Uint8Array): Uint8Array {
  let out = new Uint8Array(4096)
  let length = 0
  for (let first = 0; first < classes.length;) {
    const pageClass = classes[first]!
    let end = first + 1
    while (end < classes.length && classes[end] === pageClass)
      end++
    if (length + mostBytesOfCount + 1 > out.length) {
      const larger = new Uint8Array(out.length * 2)
      larger.set(out)
      out = larger
    }
    let count = end - first
    for (; count >= 0x80; count = Math.floor(count / 0x80))
      out[length++] = (count % 0x80) | 0x80
    out[length++] = count
    out[length++] = pageClass
    first = end
  }
  return out.slice(0, length)
}

function flat(runs: readonly MapRun[]): number[] {
  return runs.flatMap(({ first, count, pageClass }) => [first, count, pageClass])
}

function toMessage(frame: MapFrame): MapMessage {
  const ms = frame.ns / 1e6
  switch (frame.kind) {
    case 'snapshot': return { kind: 'snapshot', sequence: frame.sequence, ms, frames: frame.classes.length, runs: encodeMapRuns(frame.classes) }
    case 'delta': return { kind: 'delta', sequence: frame.sequence, ms, changes: flat(frame.changes) }
    case 'written': return { kind: 'written', ms, sweepMs: frame.sweepMs, runs: flat(frame.runs) }
  }
}

/** Opens the map and follows it until the signal or the consumer ends it; the agent on the host ends with it. */
export async function* followGuestMap(agent: HostAgent, guest: string, everyMs: number, signal?: AbortSignal): AsyncGenerator<MapMessage> {
  const map = await openGuestMap(agent, guest, { everyMs, written: true })
  const close = (): void => map.close()
  signal?.addEventListener('abort', close)
  try {
    if (signal?.aborted)
      return
    yield { kind: 'opened', kernel: map.kernel }
    for await (const frame of map.frames)
      yield toMessage(frame)
  }
  finally {
    signal?.removeEventListener('abort', close)
    close()
  }
}
