/** The real map and legend on a made-up guest, for .tools/benchMap.mjs to drive. `?frames=` is the guest's size. */
import { createApp } from 'vue'
import { createI18n } from 'vue-i18n'
import { mapMessages } from '../../../../renderer/features/map/messages.ts'
import { memoryMessages } from '../../../../renderer/features/memory/messages.ts'
import { BenchPage } from './benchPage.ts'
import './bench.css'

const i18n = createI18n({ legacy: false, locale: 'en', messages: { en: { map: mapMessages.en, memory: memoryMessages.en } } })
createApp(BenchPage).use(i18n).mount('#app')
