/** What the screen calls a way of encoding; ME2 is never named without it where two of them could be meant. */
import type { Encoding } from '../../../shared/model/encoding.ts'
import type { Run, RunSettings } from '../../../shared/model/run.ts'
import type { Translate } from './lanes.ts'
import { encoderName, encodingOf, hasUsualCache, presetOf } from '../../../shared/model/encoding.ts'

/** `Paper (rle)`, `zstd 9`, `rle, cache 16 MiB`. */
export function encodingWords(encoding: Encoding, t: Translate): string {
  const preset = presetOf(encoding)
  if (preset !== null)
    return t(`race.encoding.${preset}`)
  const name = encoderName(encoding)
  return hasUsualCache(encoding) ? name : t('race.encoding.withCache', { name, n: encoding.cacheMiB })
}

/** Empty for a stock run. */
export function encodingWordsOf(settings: RunSettings, t: Translate): string {
  const encoding = encodingOf(settings)
  return encoding ? encodingWords(encoding, t) : ''
}

/** Of the first ME2 run; empty where there is none. */
export function encodingWordsIn(runs: readonly Run[], t: Translate): string {
  const run = runs.find(({ settings }) => settings.mode === 'me2')
  return run ? encodingWordsOf(run.settings, t) : ''
}

/** `Stock`, `ME2 zstd 9`. */
export function runWords(settings: RunSettings, t: Translate): string {
  const encoding = encodingOf(settings)
  if (!encoding)
    return t('race.mode.stock')
  const name = `${t('race.mode.me2')} ${encoderName(encoding)}`
  return hasUsualCache(encoding) ? name : t('race.encoding.withCache', { name, n: encoding.cacheMiB })
}

/** Where there is little room: `Stock`, `zstd 9`. */
function shortWords(settings: RunSettings, t: Translate): string {
  const encoding = encodingOf(settings)
  return encoding ? encoderName(encoding) : t('race.mode.stock')
}

/** For runs over each other. */
export function runNames(t: Translate) {
  return { full: (settings: RunSettings) => runWords(settings, t), short: (settings: RunSettings) => shortWords(settings, t) }
}
