/** English and Simplified Chinese. Each feature brings its words; the type of the English ones makes the Chinese complete. */
import { createI18n } from 'vue-i18n'
import { autopilotMessages } from '../features/autopilot/messages.ts'
import { diskMessages } from '../features/disk/messages.ts'
import { homeMessages } from '../features/home/messages.ts'
import { hostsMessages } from '../features/hosts/messages.ts'
import { labMessages } from '../features/lab/messages.ts'
import { mapMessages } from '../features/map/messages.ts'
import { memoryMessages } from '../features/memory/messages.ts'
import { raceMessages } from '../features/race/messages.ts'
import { runsMessages } from '../features/runs/messages.ts'
import { settingsMessages } from '../features/settings/messages.ts'
import { appMessages } from './messages.ts'

const features = {
  app: appMessages,
  home: homeMessages,
  lab: labMessages,
  hosts: hostsMessages,
  map: mapMessages,
  memory: memoryMessages,
  disk: diskMessages,
  race: raceMessages,
  autopilot: autopilotMessages,
  runs: runsMessages,
  settings: settingsMessages,
}

export const languages = ['en', 'zh'] as const
export type Language = typeof languages[number]

type Messages = { [Feature in keyof typeof features]: (typeof features)[Feature]['en'] }

export const messages = Object.fromEntries(languages.map(language =>
  [language, Object.fromEntries(Object.entries(features).map(([name, feature]) => [name, feature[language]]))])) as Record<Language, Messages>

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages })

/** The user's choice, or what the system speaks. */
export function languageFor(choice: Language | 'system'): Language {
  if (choice !== 'system')
    return choice
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}
