/** Map and legend side by side, fed as on the real screen. Written as a render function: no tool reads .vue files here. */
import type { LegendFilter } from '../../../../renderer/features/memory/legend.ts'
import { defineComponent, h, ref, shallowRef } from 'vue'
import { shownMask } from '../../../../renderer/features/memory/legend.ts'
import MapCanvas from '../../../../renderer/features/memory/MapCanvas.vue'
import MapLegend from '../../../../renderer/features/memory/MapLegend.vue'
import { mapColours } from '../../../../renderer/features/memory/palette.ts'
import { useMapFeed } from '../../../../renderer/features/memory/useMapFeed.ts'

export const BenchPage = defineComponent(() => {
  const feed = useMapFeed(ref({ host: 'bench', guest: 'bench' }))
  const chosen = ref<number | null>(null)
  const filter = shallowRef<LegendFilter>(new Set())
  const colours = mapColours.light
  return () => feed.map.value && feed.figures.value && h('div', { class: 'flex gap-4 p-4' }, [
    h('div', { class: 'size-[768px]' }, h(MapCanvas, {
      'chosen': chosen.value,
      'onUpdate:chosen': (frame: number | null) => chosen.value = frame,
      'map': feed.map.value,
      'version': feed.version.value,
      colours,
      'shown': shownMask(filter.value),
      'difference': false,
      'showWritten': true,
      'fading': true,
      'plain': false,
      'inspectable': true,
      'writtenAgoMs': feed.writtenAgoMs,
    })),
    h(MapLegend, { 'class': 'w-64', 'figures': feed.figures.value, colours, 'filter': filter.value, 'onUpdate:filter': (next: LegendFilter) => filter.value = next }),
  ])
})
