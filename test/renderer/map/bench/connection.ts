/**
 * Stands in for renderer/app/connection.ts: a guest that lives in this page. Its classes and writes are made up by a
 * seeded generator; only their number and the length of their runs matter here.
 */
import type { MapMessage } from '../../../../shared/contract/memory.ts'

const asked = new URLSearchParams(location.search)
const frames = Number(asked.get('frames'))
const updating = asked.get('updates') === 'on'
const everyMs = 500
const changedRuns = 200
const writtenRuns = 300
const longestChange = 16
const longestRun = 64

let seed = 1
/** 0 … below `limit`. */
function random(limit: number): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed % limit
}

function snapshotRuns(): Uint8Array {
  const bytes: number[] = []
  for (let first = 0; first < frames;) {
    const wanted = random(4) === 0 ? random(4000) : random(longestRun)
    const count = Math.min(1 + wanted, frames - first)
    for (let rest = count; ; rest = Math.floor(rest / 0x80)) {
      bytes.push(rest < 0x80 ? rest : rest % 0x80 | 0x80)
      if (rest < 0x80)
        break
    }
    bytes.push(random(13))
    first += count
  }
  return Uint8Array.from(bytes)
}

function runs(howMany: number): number[] {
  return Array.from({ length: howMany }, () => [random(frames - longestChange), 1 + random(longestChange), random(13)]).flat()
}

interface Handlers { onValue: (value: MapMessage) => void }

export function followStream(_open: unknown, { onValue }: Handlers): () => void {
  let sequence = 0
  onValue({ kind: 'opened', kernel: 'bench' })
  onValue({ kind: 'snapshot', sequence, ms: performance.now(), frames, runs: snapshotRuns() })
  const timer = updating
    ? setInterval(() => {
        onValue({ kind: 'delta', sequence: ++sequence, ms: performance.now(), changes: runs(changedRuns) })
        onValue({ kind: 'written', ms: performance.now(), sweepMs: 4000, runs: runs(writtenRuns) })
      }, everyMs)
    : undefined
  return () => clearInterval(timer)
}

export function problemOf(error: unknown): { code: string, message: string, action: string } {
  return { code: 'internal', message: String(error), action: '' }
}
