/** The keys that a screen adds, for the list that `?` shows. A feature registers its own when it is loaded. */
import { shallowReactive } from 'vue'

export interface ScreenKey {
  keys: readonly string[]
  /** Message key of what it does. */
  words: string
}

const byScreen = shallowReactive(new Map<string, readonly ScreenKey[]>())

export function registerKeys(screen: string, keys: readonly ScreenKey[]): void {
  byScreen.set(screen, keys)
}

export function keysOf(screen: string): readonly ScreenKey[] {
  return byScreen.get(screen) ?? []
}
