/** Saves the map and its legend as a PNG. */
import type { Ref } from 'vue'
import type { LegendFilter } from './legend.ts'
import type { PictureRow } from './mapPng.ts'
import type { MemoryMap } from './memoryMap.ts'
import type { MapColours } from './palette.ts'
import type { GuestName, MapFigures } from './useMapFeed.ts'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { formatCount } from '../../../shared/model/format.ts'
import { saveBlob } from '../../app/files.ts'
import { useHosts } from '../../app/stores.ts'
import { formatMegabytes } from './frameText.ts'
import { legendRows, shownMask } from './legend.ts'
import { classGroups } from './palette.ts'

export interface PictureSource {
  which: Readonly<Ref<GuestName | null>>
  map: Readonly<Ref<MemoryMap | null>>
  figures: Readonly<Ref<MapFigures | null>>
  kernel: Readonly<Ref<string>>
  filter: Readonly<Ref<LegendFilter>>
  colours: Readonly<Ref<MapColours>>
  difference: Readonly<Ref<boolean>>
}

function fileNameOf({ host, guest }: GuestName, at: Date): string {
  const plain = `memory-${guest}-${host}-${at.toISOString().slice(0, 19)}`.replaceAll(/[^\w.-]+/g, '-')
  return `${plain}.png`
}

export function useMapPicture({ which, map, figures, kernel, filter, colours, difference }: PictureSource) {
  const { t } = useI18n()
  const hosts = useHosts()
  const saving = ref(false)

  function labLabel(host: string): string {
    const isOwn = hosts.hosts.find(each => each.name === host)?.lab === 'own'
    return isOwn ? t('app.top.own') : `${t('app.top.boxed')} · ${t('app.top.emulated')}`
  }

  function rowsOf({ counts, frames }: MapFigures): PictureRow[] {
    const rows = legendRows(counts)
    return [
      { id: null, label: t('memory.legend.class'), pages: t('memory.legend.pages'), megabytes: 'MB', on: true },
      ...classGroups.flatMap(({ id: group }): PictureRow[] => [
        { id: null, label: t(`memory.groups.${group}`), pages: '', megabytes: '', on: true },
        ...rows.filter(row => row.group === group).map(({ id, pages }): PictureRow => ({
          id,
          label: t(`memory.classes.${id}`),
          pages: formatCount(pages),
          megabytes: formatMegabytes(pages),
          on: filter.value.size === 0 || filter.value.has(id),
        })),
      ]),
      { id: 'total', label: t('memory.legend.all'), pages: formatCount(frames), megabytes: formatMegabytes(frames), on: true },
    ]
  }

  async function save(): Promise<void> {
    if (!which.value || !map.value || !figures.value || saving.value)
      return
    saving.value = true
    try {
      const at = new Date()
      const { drawMapPng } = await import('./mapPng.ts')
      const facts = t('memory.picture.pages', { pages: formatCount(figures.value.frames), kernel: kernel.value })
      const changesOnly = difference.value && figures.value.keptAt ? [t('memory.picture.difference', { time: figures.value.keptAt.toLocaleTimeString() })] : []
      const blob = await drawMapPng(map.value, { colours: colours.value, shown: shownMask(filter.value), difference: difference.value }, {
        title: t('memory.guestOn', { ...which.value }),
        subtitle: [facts, at.toLocaleString(), ...changesOnly].join(' · '),
        lab: labLabel(which.value.host),
        rows: rowsOf(figures.value),
      })
      saveBlob(fileNameOf(which.value, at), blob)
    }
    finally {
      saving.value = false
    }
  }
  return { saving, save }
}
