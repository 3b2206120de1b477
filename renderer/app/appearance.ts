/** Theme, language and presenter mode as the page shows them. A viewer's own choice holds for this window only. */
import type { Language } from './i18n.ts'
import { usePreferredDark } from '@vueuse/core'
import { computed, ref, watchEffect } from 'vue'
import { i18n, languageFor } from './i18n.ts'
import { useSession, useSettings } from './stores.ts'

type ThemeChoice = 'system' | 'light' | 'dark'

const presenting = ref(false)
const ownTheme = ref<ThemeChoice | null>(null)
const ownLanguage = ref<Language | 'system' | null>(null)

export function useAppearance() {
  const store = useSettings()
  const session = useSession()
  const systemDark = usePreferredDark()
  const theme = computed<ThemeChoice>(() => ownTheme.value ?? store.settings?.theme ?? 'system')
  const dark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemDark.value))
  const language = computed(() => languageFor(ownLanguage.value ?? store.settings?.language ?? 'system'))

  function setTheme(choice: ThemeChoice): void {
    ownTheme.value = choice
    if (session.isOperator)
      void store.change({ theme: choice })
  }
  function setLanguage(choice: Language | 'system'): void {
    ownLanguage.value = choice
    if (session.isOperator)
      void store.change({ language: choice })
  }
  return {
    presenting, theme, dark, language, setTheme, setLanguage,
    toggleTheme: () => setTheme(dark.value ? 'light' : 'dark'),
    togglePresenting: () => presenting.value = !presenting.value,
  }
}

/** Once, in the root component: writes both to the document. */
export function applyAppearance(): void {
  const { dark, language } = useAppearance()
  watchEffect(() => document.documentElement.classList.toggle('dark', dark.value))
  watchEffect(() => {
    i18n.global.locale.value = language.value
    document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
  })
}
