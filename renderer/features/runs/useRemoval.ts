/** Deletes runs, and offers to bring them back, wherever the user has gone meanwhile. */
import { useI18n } from 'vue-i18n'
import { problemOf } from '../../app/connection.ts'
import { useToasts } from '../../app/toasts.ts'
import { useRuns } from './runsStore.ts'

/** What it returns throws what `problemOf` understands. */
export function useRemoval(): (ids: readonly string[]) => Promise<void> {
  const { t } = useI18n()
  const store = useRuns()
  const toasts = useToasts()

  async function restore(ids: readonly string[]): Promise<void> {
    try {
      await store.restore(ids)
    }
    catch (error) {
      const { message, action } = problemOf(error)
      toasts.show({ title: message, description: action, icon: 'i-lucide-octagon-x', isError: true })
    }
  }
  return async (ids) => {
    await store.remove(ids)
    toasts.show({
      title: t('runs.removed', { n: ids.length }, ids.length),
      description: t('runs.removedHow'),
      icon: 'i-lucide-trash-2',
      lastsMs: 10_000,
      action: { label: t('app.common.undo'), run: () => void restore(ids) },
    })
  }
}
