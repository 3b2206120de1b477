/** The theme's colours for what is drawn on a canvas, which knows no CSS variables. */
import type { ShallowRef } from 'vue'
import { nextTick, shallowRef, watch } from 'vue'
import { useAppearance } from '../app/appearance.ts'

export type Tone = 'stock' | 'me2' | 'ink'

export interface Colours {
  line: Record<Tone, string>
  text: Record<Tone, string>
  surface: string
  grid: string
  axis: string
  ink: string
  ink2: string
  ink3: string
}

function read(): Colours {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string): string => style.getPropertyValue(`--me2-${name}`).trim()
  return {
    line: { stock: of('stock'), me2: of('me2'), ink: of('ink2') },
    text: { stock: of('stock-text'), me2: of('me2-text'), ink: of('ink2') },
    surface: of('surface'),
    grid: of('grid'),
    axis: of('line2'),
    ink: of('ink'),
    ink2: of('ink2'),
    ink3: of('ink3'),
  }
}

/** Read again whenever the theme switches, after the document has it. */
export function useColours(): Readonly<ShallowRef<Colours>> {
  const colours = shallowRef(read())
  const { dark } = useAppearance()
  watch(dark, async () => {
    await nextTick()
    colours.value = read()
  }, { immediate: true })
  return colours
}
