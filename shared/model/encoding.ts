/**
 * How ME2 encodes the pages it sends: the two presets, what a choice is completed to, and what it is called. All of them
 * leave out free pages; stock encodes nothing.
 */
import type { Encoder, RunSettings } from './run.ts'

export interface Encoding extends Pick<RunSettings, 'level' | 'cacheMiB'> {
  encoder: Encoder
}

export const presets = {
  /** Ma et al., CLUSTER 2012. */
  paper: { encoder: 'rle', level: null, cacheMiB: 0 },
  best: { encoder: 'auto', level: null, cacheMiB: 64 },
} as const satisfies Record<string, Encoding>
export type Preset = keyof typeof presets
export const presetNames = ['paper', 'best'] as const satisfies readonly Preset[]

/** What zstd takes, and what it takes where nothing is said. */
export const zstdLevels = { least: 1, most: 19, usual: 3 } as const
export const mostCacheMiB = 1024

function usualCacheMiB(encoder: Encoder): number {
  return encoder === 'delta' || encoder === 'auto' ? 64 : 0
}

/** With what is usual for the encoder where nothing is said; a level only where there are levels. */
export function encodingWith(encoder: Encoder, { level, cacheMiB }: { level?: number | null | undefined, cacheMiB?: number | undefined } = {}): Encoding {
  return {
    encoder,
    level: encoder === 'zstd' ? level ?? zstdLevels.usual : null,
    cacheMiB: cacheMiB ?? usualCacheMiB(encoder),
  }
}

/** Null in a stock run. */
export function encodingOf({ encoder, level, cacheMiB }: RunSettings): Encoding | null {
  return encoder === null ? null : encodingWith(encoder, { level, cacheMiB })
}

/** `rle`, `zstd 9`. */
export function encoderName({ encoder, level }: Pick<Encoding, 'encoder' | 'level'>): string {
  return level === null ? encoder : `${encoder} ${level}`
}

export function hasUsualCache({ encoder, cacheMiB }: Encoding): boolean {
  return cacheMiB === usualCacheMiB(encoder)
}

/** As `encoderName`, with the cache where it is not the encoder's usual one: `rle, cache 16 MiB`. */
export function encodingName(encoding: Encoding): string {
  const name = encoderName(encoding)
  return hasUsualCache(encoding) ? name : `${name}, cache ${encoding.cacheMiB} MiB`
}

/** Null: one's own choice. */
export function presetOf(encoding: Encoding): Preset | null {
  const name = encodingName(encoding)
  return presetNames.find(preset => encodingName(presets[preset]) === name) ?? null
}

/** `stock`, `ME2 rle`: never only ME2, because its encoders differ. */
export function runName(settings: RunSettings): string {
  const encoding = encodingOf(settings)
  return encoding === null ? 'stock' : `ME2 ${encodingName(encoding)}`
}
