/** Whether a run of the boxed lab must be marked as emulated here: not where the label of the lab (app/LabLabel.vue) says it already. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'
import { useHosts, useLab } from '../../app/stores.ts'

export function useEmulatedMark(isBoxed: () => boolean): ComputedRef<boolean> {
  const hosts = useHosts()
  const lab = useLab()
  const labelSaysIt = computed(() => !(hosts.hosts.some(host => host.lab === 'own') && (lab.lab === null || lab.lab.state === 'stopped')))
  return computed(() => isBoxed() && !labelSaysIt.value)
}
