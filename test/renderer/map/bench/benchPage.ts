/** Map and legend side by side, fed as on the real screen. Written as a render function: no tool reads .vue files here. */
import type { Run } from '../../../../renderer/features/map/classMap.ts'
import type { LegendFilter } from '../../../../renderer/features/map/legend.ts'
import { defineComponent, h, ref, shallowRef } from 'vue'
import { shownMask } from '../../../../renderer/features/map/legend.ts'
import MapCanvas from '../../../../renderer/features/map/MapCanvas.vue'
import MapLegend from '../../../../renderer/features/map/MapLegend.vue'
import HoverCard from '../../../../renderer/features/memory/HoverCard.vue'
import { memoryScheme } from '../../../../renderer/features/memory/memoryScheme.ts'
import { useMapFeed } from '../../../../renderer/features/memory/useMapFeed.ts'

export const BenchPage = defineComponent(() => {
  const feed = useMapFeed(ref({ host: 'bench', guest: 'bench' }))
  const chosen = ref<number | null>(null)
  const filter = shallowRef<LegendFilter>(new Set())
  const colours = memoryScheme.colours.light
  return () => feed.map.value && feed.figures.value && h('div', { class: 'flex gap-4 p-4' }, [
    h('div', { class: 'size-[768px]' }, h(MapCanvas, {
      'chosen': chosen.value,
      'onUpdate:chosen': (frame: number | null) => chosen.value = frame,
      'map': feed.map.value,
      'version': feed.version.value,
      'scheme': memoryScheme,
      colours,
      'shown': shownMask(memoryScheme, filter.value),
      'difference': false,
      'showWritten': true,
      'fading': true,
      'plain': false,
      'label': '',
      'speak': () => '',
    }, {
      card: ({ frame, run }: { frame: number, run: Run }) => h(HoverCard, { frame, run, colours, writtenAgoMs: feed.writtenAgoMs(frame), keptClass: null, inspectable: true }),
    })),
    h(MapLegend, { 'class': 'w-64', 'scheme': memoryScheme, 'figures': feed.figures.value, colours, 'written': { frames: feed.figures.value.writtenFrames, note: '' }, 'filter': filter.value, 'onUpdate:filter': (next: LegendFilter) => filter.value = next }),
  ])
})
