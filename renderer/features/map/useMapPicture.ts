/** Saves the map and its legend as a PNG. */
import type { Ref } from 'vue'
import type { ClassMap } from './classMap.ts'
import type { LegendFilter } from './legend.ts'
import type { PictureRow } from './mapPng.ts'
import type { MapColours } from './palette.ts'
import type { ClassFigures, ClassScheme } from './scheme.ts'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { formatCount } from '../../../shared/model/format.ts'
import { saveBlob } from '../../app/files.ts'
import { useHosts } from '../../app/stores.ts'
import { legendRows, shownMask } from './legend.ts'
import { formatSize, unitFor } from './sizeText.ts'

/** What the picture says of itself. */
export interface PictureFacts {
  host: string
  /** Parts of the file's name. */
  name: readonly string[]
  title: string
  facts: readonly string[]
  difference: boolean
}

export interface PictureSource {
  scheme: ClassScheme
  map: Readonly<Ref<ClassMap | null>>
  figures: Readonly<Ref<ClassFigures | null>>
  filter: Readonly<Ref<LegendFilter>>
  colours: Readonly<Ref<MapColours>>
  /** Null: there is nothing to save. */
  tell: () => PictureFacts | null
}

function fileNameOf(name: readonly string[], at: Date): string {
  const plain = [...name, at.toISOString().slice(0, 19)].join('-').replaceAll(/[^\w.-]+/g, '-')
  return `${plain}.png`
}

export function useMapPicture({ scheme, map, figures, filter, colours, tell }: PictureSource) {
  const { t } = useI18n()
  const hosts = useHosts()
  const saving = ref(false)

  function labLabel(host: string): string {
    const isOwn = hosts.hosts.find(each => each.name === host)?.lab === 'own'
    return isOwn ? t('app.top.own') : `${t('app.top.boxed')} · ${t('app.top.emulated')}`
  }

  function rowsOf(of: ClassFigures): PictureRow[] {
    const { words, groups } = scheme
    const unit = unitFor(of.frames)
    const rows = legendRows(scheme, of)
    return [
      { id: null, label: t('map.columns.class'), frames: t(`${words}.legend.frames`), size: unit.name, on: true },
      ...groups.flatMap(({ id: group }): PictureRow[] => [
        { id: null, label: t(`${words}.groups.${group}`), frames: '', size: '', on: true },
        ...rows.filter(row => row.group === group).map(({ id, frames }): PictureRow => ({
          id,
          label: t(`${words}.classes.${id}`),
          frames: formatCount(frames),
          size: formatSize(frames, unit),
          on: filter.value.size === 0 || filter.value.has(id),
        })),
      ]),
      { id: 'total', label: t('map.columns.all'), frames: formatCount(of.frames), size: formatSize(of.frames, unit), on: true },
    ]
  }

  async function save(): Promise<void> {
    const told = tell()
    if (!told || !map.value || !figures.value || saving.value)
      return
    saving.value = true
    try {
      const at = new Date()
      const { drawMapPng } = await import('./mapPng.ts')
      const look = { scheme, colours: colours.value, shown: shownMask(scheme, filter.value), difference: told.difference }
      const blob = await drawMapPng(map.value, look, {
        title: told.title,
        subtitle: [...told.facts, at.toLocaleString()].join(' · '),
        lab: labLabel(told.host),
        rows: rowsOf(figures.value),
      })
      saveBlob(fileNameOf(told.name, at), blob)
    }
    finally {
      saving.value = false
    }
  }
  return { saving, save }
}
