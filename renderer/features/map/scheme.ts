/**
 * What a map shows: frames in a row, each of one class. There are two such things, a guest's memory, whose frames are
 * page frames (features/memory), and a guest's disk, whose frames are blocks (features/disk); both frames have 4096 bytes.
 */
import type { MapColours, MapTheme } from './palette.ts'

/**
 * The classes, their colours and words. Any two solid colours of a theme differ by ΔE76 ≥ 15.9 in normal, protan, deutan
 * and tritan sight, and from either lane by ≥ 29 in normal sight (test/renderer/map/palette.test.ts).
 */
export interface ClassScheme {
  /** Of its message keys the first part: `WORDS.classes.ID`, `WORDS.groups.ID`, `WORDS.legend`, `WORDS.table`. */
  words: 'memory' | 'disk'
  /** By class number, at most 15. The first is "unknown": no solid colour, but a hatch. */
  ids: readonly string[]
  /** In the legend's order. */
  groups: readonly { id: string, classes: readonly string[] }[]
  colours: Readonly<Record<MapTheme, MapColours>>
}

/** How much there is of each class. */
export interface ClassFigures {
  frames: number
  /** Frames by class number. */
  counts: readonly number[]
}
