/** Saving runs as files, for the views of one race and of an overlay. */
import type { Problem } from '../../../shared/errors.ts'
import type { LaneState } from '../../../shared/model/lane.ts'
import type { PictureWords } from './chartPicture.ts'
import { ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAppearance } from '../../app/appearance.ts'
import { problemOf } from '../../app/connection.ts'
import { saveBlob } from '../../app/files.ts'
import { useColours } from '../../charts/colours.ts'
import { runNames } from '../race/encodingWords.ts'
import { chartPicture } from './chartPicture.ts'
import { overlaid } from './overlay.ts'
import { useRuns } from './runsStore.ts'

export interface Exported {
  ids: readonly string[]
  /** What the picture shows. */
  lanes: readonly LaneState[]
  isRecording: boolean
  title: string
}

export function useExports() {
  const { t, d } = useI18n()
  const { language } = useAppearance()
  const colours = useColours()
  const store = useRuns()
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)

  function pictureWords({ lanes, isRecording, title }: Exported): PictureWords {
    const runs = lanes.map(({ run }) => run).sort((a, b) => a.startedAt.localeCompare(b.startedAt))
    const { guest, from, to, settings, startedAt } = runs[0]!
    const guests = [...new Set(runs.map(run => run.guest.name))].join(', ')
    const cap = settings.rateMbit === null ? t('runs.noCap') : `${settings.rateMbit} Mbit/s`
    const date = d(new Date(startedAt), { dateStyle: 'medium', timeStyle: 'short' })
    const chart = (id: 'left' | 'rate') => ({ title: t(`race.chart.${id}`), unit: t(`race.chart.${id}Unit`) })
    return {
      title,
      subtitle: [guests, `${Math.round(guest.memoryBytes / 1e6)} MB ${guest.kind.toUpperCase()}`, `${from.name} ⇄ ${to.name}`, `Xen ${from.xen}`, cap, date].join(' · '),
      tags: [...(isRecording ? [t('runs.recording')] : []), ...(runs.some(({ lab }) => lab === 'boxed') ? [t('runs.saved.emulated')] : [])],
      charts: { sent: { title: t('race.chart.sent'), unit: t('runs.overlayed.sentUnit') }, left: chart('left'), rate: chart('rate') },
      phases: t('race.chart.phases'),
    }
  }

  async function save(format: 'csv' | 'html' | 'me2run' | 'json' | 'png', what: Exported): Promise<void> {
    busy.value = true
    problem.value = null
    try {
      if (format === 'png')
        saveBlob(`${what.ids[0]!}.png`, await chartPicture(overlaid(what.lanes, runNames(t)), pictureWords(what), colours.value))
      else
        await store.save(what.ids, format, language.value)
    }
    catch (error) {
      problem.value = problemOf(error)
    }
    busy.value = false
  }
  return { save, busy, problem }
}
