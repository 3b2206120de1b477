/** What the lab's guests hold, so that everybody sees that no method is flattered: measured from outside, by the agent. */
import type { MapShares } from '../services/memory/guestMap.ts'
import type { Context } from './command.ts'
import type { ChosenHost, ChosenLab } from './hostSelection.ts'
import { formatShare } from '../../shared/model/format.ts'
import { openGuestMap } from '../services/memory/guestMap.ts'
import { domainsOn } from '../services/migration/findGuest.ts'
import { handleFor } from './hostSelection.ts'

export interface GuestShares {
  guest: string
  shares: MapShares
}

async function sharesOn(context: Context, host: ChosenHost, names: ReadonlySet<string>): Promise<GuestShares[]> {
  const handle = handleFor(context, host)
  const found: GuestShares[] = []
  try {
    const { agent } = await handle.session()
    for (const { name } of await domainsOn(handle, context.services.timing.requestMs)) {
      if (!names.has(name))
        continue
      const map = await openGuestMap(agent, name, { shares: true })
      map.close()
      if (map.shares)
        found.push({ guest: name, shares: map.shares })
    }
    return found
  }
  finally {
    await handle.close()
  }
}

export async function labShares(context: Context, lab: ChosenLab): Promise<GuestShares[]> {
  const names = new Set(lab.guests.map(({ name }) => name))
  return (await Promise.all(lab.hosts.map(async host => sharesOn(context, host, names)))).flat()
}

export function shareRow({ guest, shares: { usedMixed, usedMixedRle, freeMixed } }: GuestShares): string[] {
  const share = (value: number | null): string => value === null ? 'not known' : formatShare(value)
  return [guest, share(usedMixed), share(usedMixedRle), share(freeMixed)]
}
