/** The screen's keys, for the list that `?` shows. */
import type { ScreenKey } from '../../app/screenKeys.ts'

export const memoryKeys: readonly ScreenKey[] = [
  { keys: ['←', '→'], words: 'memory.keys.runs' },
  { keys: ['↑', '↓'], words: 'memory.keys.pages' },
  { keys: ['Home', 'End'], words: 'memory.keys.ends' },
  { keys: ['Enter'], words: 'memory.keys.inspect' },
  { keys: ['+', '−'], words: 'memory.keys.zoom' },
  { keys: ['0'], words: 'memory.keys.whole' },
  { keys: ['Shift', '←↑↓→'], words: 'memory.keys.pan' },
  { keys: ['Space'], words: 'memory.keys.pause' },
  { keys: ['S'], words: 'memory.keys.snapshot' },
  { keys: ['C'], words: 'memory.keys.difference' },
  { keys: ['T'], words: 'memory.keys.table' },
  { keys: ['E'], words: 'memory.keys.png' },
  { keys: ['Esc'], words: 'memory.keys.close' },
]
