/** The memory map's keys, as `?` lists them. */
import type { ScreenKey } from '../../app/screenKeys.ts'
import { mapKeys } from '../map/mapKeys.ts'

export const memoryKeys: readonly ScreenKey[] = [
  mapKeys.runs,
  mapKeys.frames,
  mapKeys.ends,
  { keys: ['Enter'], words: 'memory.keys.inspect' },
  mapKeys.zoom,
  mapKeys.whole,
  mapKeys.pan,
  { keys: ['Space'], words: 'memory.keys.pause' },
  { keys: ['S'], words: 'memory.keys.snapshot' },
  { keys: ['C'], words: 'memory.keys.difference' },
  mapKeys.table,
  mapKeys.png,
  { keys: ['Esc'], words: 'memory.keys.close' },
]
