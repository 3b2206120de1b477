/** The screen's keys: the list that `?` shows, and what they do. */
import type { ScreenKey } from '../../app/screenKeys.ts'
import { onKeyStroke } from '@vueuse/core'

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

export interface MemoryActions {
  /** There is no map yet. */
  isOff: () => boolean
  letters: Readonly<Record<string, () => void>>
  closePage: () => void
  togglePause: () => void
  /** A key for the map while nothing has the focus; with the focus the map takes it itself. */
  pressOnMap: (event: KeyboardEvent) => void
}

/** Where keys are text, or a choice of their own. */
const ownKeys = 'input, textarea, select, [role=dialog], [role=listbox], [role=combobox]'

function hasOwnKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(ownKeys) !== null
}
function isMap(target: EventTarget | null): boolean {
  return target instanceof Element && target.hasAttribute('data-map-focus')
}

/** A focused button keeps its space bar and Enter; letters go to the screen from everywhere but fields. */
export function useMemoryKeys({ isOff, letters, closePage, togglePause, pressOnMap }: MemoryActions): void {
  onKeyStroke((event) => {
    const { key, target } = event
    if (isOff() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || hasOwnKeys(target))
      return
    if (key === 'Escape') {
      closePage()
    }
    else if (letters[key]) {
      letters[key]()
    }
    else if (key === ' ' && (target === document.body || isMap(target))) {
      event.preventDefault()
      togglePause()
    }
    else if (target === document.body) {
      pressOnMap(event)
    }
  })
}
