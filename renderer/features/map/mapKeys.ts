/** The keys of a screen with a map: the list that `?` shows, and what they do. */
import type { ScreenKey } from '../../app/screenKeys.ts'
import { onKeyStroke } from '@vueuse/core'

export const mapKeys = {
  runs: { keys: ['←', '→'], words: 'map.keys.runs' },
  frames: { keys: ['↑', '↓'], words: 'map.keys.frames' },
  ends: { keys: ['Home', 'End'], words: 'map.keys.ends' },
  zoom: { keys: ['+', '−'], words: 'map.keys.zoom' },
  whole: { keys: ['0'], words: 'map.keys.whole' },
  pan: { keys: ['Shift', '←↑↓→'], words: 'map.keys.pan' },
  table: { keys: ['T'], words: 'map.keys.table' },
  png: { keys: ['E'], words: 'map.keys.png' },
} as const satisfies Record<string, ScreenKey>

export interface MapActions {
  /** There is no map yet. */
  isOff: () => boolean
  letters: Readonly<Record<string, () => void>>
  escape?: () => void
  space?: () => void
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
export function useMapKeys({ isOff, letters, escape, space, pressOnMap }: MapActions): void {
  onKeyStroke((event) => {
    const { key, target } = event
    if (isOff() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || hasOwnKeys(target))
      return
    if (key === 'Escape') {
      escape?.()
    }
    else if (letters[key]) {
      letters[key]()
    }
    else if (space && key === ' ' && (target === document.body || isMap(target))) {
      event.preventDefault()
      space()
    }
    else if (target === document.body) {
      pressOnMap(event)
    }
  })
}
