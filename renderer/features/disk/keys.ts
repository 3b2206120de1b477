/** The disk map's keys, as `?` lists them. */
import type { ScreenKey } from '../../app/screenKeys.ts'
import { mapKeys } from '../map/mapKeys.ts'

export const diskKeys: readonly ScreenKey[] = [
  mapKeys.runs,
  mapKeys.frames,
  mapKeys.ends,
  mapKeys.zoom,
  mapKeys.whole,
  mapKeys.pan,
  { keys: ['R'], words: 'disk.keys.again' },
  mapKeys.table,
  mapKeys.png,
]
