/** The disks of the chosen guest. None while they are not known, and where the host cannot tell. */
import type { Ref, ShallowRef } from 'vue'
import type { GuestDiskView } from '../../../shared/contract/disks.ts'
import { shallowRef, watch } from 'vue'
import { call } from '../../app/connection.ts'

/** `domid` is another one when the guest has been started anew, perhaps with other disks. */
export interface RunningGuest {
  host: string
  guest: string
  domid: number
}

export function useGuestDisks(which: Readonly<Ref<RunningGuest | null>>): Readonly<ShallowRef<readonly GuestDiskView[]>> {
  const disks = shallowRef<readonly GuestDiskView[]>([])

  watch(() => which.value && JSON.stringify(which.value), async (asked) => {
    disks.value = []
    if (!which.value)
      return
    const { host, guest } = which.value
    const found = await call(async client => client.disks.list({ host, guest })).catch(() => [])
    if (asked === JSON.stringify(which.value))
      disks.value = found
  }, { immediate: true })

  return disks
}
