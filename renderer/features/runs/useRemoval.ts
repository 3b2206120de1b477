/** Deletes runs, and offers to bring them back, wherever the user has gone meanwhile. */
import { useToast } from '@nuxt/ui/composables'
import { useI18n } from 'vue-i18n'
import { problemOf } from '../../app/connection.ts'
import { useRuns } from './runsStore.ts'

/** What it returns throws what `problemOf` understands. */
export function useRemoval(): (ids: readonly string[]) => Promise<void> {
  const { t } = useI18n()
  const store = useRuns()
  const toast = useToast()

  async function restore(ids: readonly string[]): Promise<void> {
    try {
      await store.restore(ids)
    }
    catch (error) {
      const { message, action } = problemOf(error)
      toast.add({ title: message, description: action, icon: 'i-lucide-octagon-x', color: 'error' })
    }
  }
  return async (ids) => {
    await store.remove(ids)
    toast.add({
      title: t('runs.removed', { n: ids.length }, ids.length),
      description: t('runs.removedHow'),
      icon: 'i-lucide-trash-2',
      duration: 10_000,
      actions: [{ label: t('app.common.undo'), color: 'neutral', variant: 'outline', onClick: () => void restore(ids) }],
    })
  }
}
