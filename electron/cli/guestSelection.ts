/** Which guest a command is about, and on which host it runs. */
import type { Domain } from '../../shared/agent/messages.ts'
import type { Arguments } from './arguments.ts'
import type { Context } from './command.ts'
import type { ChosenHost, ChosenLab } from './hostSelection.ts'
import { Me2Error } from '../../shared/errors.ts'
import { domainsOn } from '../services/migration/findGuest.ts'
import { usage } from './arguments.ts'
import { handleFor } from './hostSelection.ts'

export interface LocatedGuest {
  guest: string
  host: ChosenHost
}

async function guestsOn(context: Context, host: ChosenHost): Promise<Domain[]> {
  const handle = handleFor(context, host)
  try {
    return (await domainsOn(handle, context.services.timing.requestMs)).filter(domain => domain.domid !== 0)
  }
  finally {
    await handle.close()
  }
}

async function listGuests(context: Context, hosts: readonly ChosenHost[]): Promise<{ host: ChosenHost, domain: Domain }[]> {
  const lists = await Promise.all(hosts.map(async host => (await guestsOn(context, host)).map(domain => ({ host, domain }))))
  return lists.flat()
}

function known(found: readonly { host: ChosenHost, domain: Domain }[]): string {
  return found.map(({ host, domain }) => `${domain.name} (${domain.state} on ${host.name})`).join(', ') || 'none'
}

/** From --guest and --host; where no host is named, the first of the lab's hosts that has the guest. */
export async function locateGuest(context: Context, lab: ChosenLab, args: Arguments): Promise<LocatedGuest> {
  const guest = args.text('guest')
  const named = args.text('host')
  const hosts = named === undefined ? lab.hosts : [lab.find(named)]
  if (hosts.length === 0)
    throw usage('Which host?', 'Name it with --host or --ssh.')
  if (guest !== undefined && (named !== undefined || lab.kind === 'own'))
    return { guest, host: hosts[0]! }
  const found = await listGuests(context, hosts)
  if (guest === undefined)
    throw usage('Which guest?', `Name one with --guest: ${known(found)}.`)
  const match = found.find(({ domain }) => domain.name === guest)
  if (!match)
    throw new Me2Error('no-domain', `There is no guest ${guest}.`, `Guests: ${known(found)}.`)
  return { guest, host: match.host }
}
