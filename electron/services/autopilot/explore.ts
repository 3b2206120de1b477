import type { PageClassId } from '../../../shared/model/pageClass.ts'
/** Looks into one guest for what a migration of it would cost: how much of its memory is in use, and how fast it writes. */
import type { HostAgent } from '../agent/types.ts'
import type { GuestMap } from '../memory/guestMap.ts'
import type { Explored } from './clusterState.ts'
import { countPageClasses, pageBytes } from '../../../shared/model/pageClass.ts'
import { openGuestMap } from '../memory/guestMap.ts'

const everyMs = 1000
/** What was found written over so long is taken for its rate; the first look at a page finds nothing. */
const watchMs = 10_000
const patienceMs = 60_000
const mebibyte = 1024 ** 2

/** Of these no contents travel. */
const empty: readonly PageClassId[] = ['unknown', 'free', 'zero', 'offline']

function usedMiBOf(classes: Uint8Array): number {
  return countPageClasses(classes).filter(({ id }) => !empty.includes(id)).reduce((sum, { bytes }) => sum + bytes, 0) / mebibyte
}

/** Pages written between the first and the last look, and how long that was, in ns of the host's clock. */
interface Written { pages: number, fromNs: number | null, toNs: number }

function rateOf({ pages, fromNs, toNs }: Written): number | null {
  return fromNs === null || toNs <= fromNs ? null : pages * pageBytes / mebibyte / ((toNs - fromNs) / 1e9)
}

async function read(map: GuestMap): Promise<Explored | null> {
  let usedMiB: number | null = null
  const written: Written = { pages: 0, fromNs: null, toNs: 0 }
  for await (const frame of map.frames) {
    if (frame.kind === 'snapshot')
      usedMiB = usedMiBOf(frame.classes)
    // 0: it has not looked at all of memory yet, so what it calls written is not all that is
    if (frame.kind !== 'written' || frame.sweepMs === 0)
      continue
    written.pages += written.fromNs === null ? 0 : frame.runs.reduce((sum, { count }) => sum + count, 0)
    written.fromNs ??= frame.ns
    written.toNs = frame.ns
    if (written.toNs - written.fromNs >= watchMs * 1e6)
      break
  }
  return usedMiB === null ? null : { usedMiB, dirtyMiBPerSecond: rateOf(written) }
}

export interface ExploreOptions {
  /** How fast it writes as well, which takes some ten seconds and more. */
  rate: boolean
  signal: AbortSignal
}

/** Null where the agent ended too early. Throws the agent's own error (`not-understood` for a guest that is no Linux). */
export async function exploreGuest(agent: HostAgent, guest: string, { rate, signal }: ExploreOptions): Promise<Explored | null> {
  const map = await openGuestMap(agent, guest, rate ? { everyMs, written: true } : {})
  const close = (): void => map.close()
  // whatever was found until then counts
  const timer = setTimeout(close, patienceMs)
  signal.addEventListener('abort', close)
  try {
    return signal.aborted ? null : await read(map)
  }
  finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
    close()
  }
}
