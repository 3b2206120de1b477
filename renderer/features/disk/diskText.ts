/** Blocks and volumes as text. */
import type { Volume } from '../../../shared/agent/messages.ts'
import { formatCount, formatMs } from '../../../shared/model/format.ts'

/** A look takes milliseconds on a small disk, and seconds on a large one. */
export function formatLookTime(ms: number): string {
  return ms < 1000 ? `${formatCount(ms)} ms` : formatMs(ms)
}

export function formatBlocks(first: number, count: number): string {
  return count === 1 ? formatCount(first) : `${formatCount(first)} – ${formatCount(first + count - 1)}`
}

/** What holds others precedes them and is larger, so the smallest one is the innermost. Null: between volumes. */
export function volumeAt(volumes: readonly Volume[], byte: number): Volume | null {
  const around = volumes.filter(({ offset, bytes }) => byte >= offset && byte < offset + bytes)
  return around.reduce<Volume | null>((inner, volume) => inner === null || volume.bytes <= inner.bytes ? volume : inner, null)
}

/** A message key and its values: the agent names volumes in English. */
export function volumeName(name: string): { key: string, values: Record<string, string> } {
  const partition = /^partition (\d+)$/.exec(name)
  if (partition)
    return { key: 'disk.volumes.partition', values: { number: partition[1]! } }
  return name === 'disk'
    ? { key: 'disk.volumes.disk', values: {} }
    : { key: 'disk.volumes.named', values: { name: name.replace(/^volume /, '') } }
}
