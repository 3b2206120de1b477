/**
 * Which hosts a command is about. The boxed lab's are called by name (`hosta`, or `a` for short); one's own, after
 * `--lab own` or simply with --ssh, by the name they were added under, user@host[:port] or a Host of ~/.ssh/config.
 */
import type { LabGuest, LabStatus } from '../services/lab/types.ts'
import type { SshTarget } from '../services/ssh/types.ts'
import type { Arguments, OptionSpec } from './arguments.ts'
import type { Context } from './command.ts'
import { isIP } from 'node:net'
import { HostHandle, openSession } from '../services/migration/hostHandle.ts'
import { usage } from './arguments.ts'
import { labUp } from './labUp.ts'

export const hostOptions: readonly OptionSpec[] = [
  { name: 'lab', value: 'boxed|own', help: 'the boxed lab on this machine (default), or hosts of your own' },
  { name: 'ssh', value: 'USER@HOST[:PORT]', multiple: true, help: 'a host of your own, or a Host of ~/.ssh/config; once for --host, once more for --to' },
]

export interface ChosenHost {
  name: string
  target: SshTarget
  /** At which other hosts reach it; null: not known. */
  linkAddress: string | null
  /** Of the boxed lab: it was switched off on purpose. */
  standby?: boolean
}

export interface ChosenLab {
  kind: 'boxed' | 'own'
  /** The boxed lab's hosts, or those given with --ssh. */
  hosts: ChosenHost[]
  /** What the lab knows of its guests; nothing is known of one's own. */
  guests: LabGuest[]
  /** By what the user wrote. */
  find: (name: string) => ChosenHost
}

function boxedLab(status: LabStatus): ChosenLab {
  const hosts = status.hosts.map(({ name, ssh, linkAddress, standby }) => ({ name, target: ssh, linkAddress, standby }))
  const find = (name: string): ChosenHost => {
    const host = hosts.find(candidate => candidate.name === name || candidate.name === `host${name}`)
    if (!host)
      throw usage(`The boxed lab has no host ${name}.`, `Its hosts: ${hosts.map(each => each.name).join(', ')}. For a host of your own use --ssh.`)
    return host
  }
  return { kind: 'boxed', hosts, guests: status.guests, find }
}

async function ownLab({ services }: Context, specs: readonly string[]): Promise<ChosenLab> {
  const addresses = new Map((await services.ownHosts.list()).map(({ name, address }) => [name, address]))
  const find = (name: string): ChosenHost => ({ name, target: services.resolveTarget(addresses.get(name) ?? name), linkAddress: null })
  return { kind: 'own', hosts: specs.map(find), guests: [], find }
}

export function isOwnLab(args: Arguments): boolean {
  return args.choice('lab', ['boxed', 'own'], args.texts('ssh').length > 0 ? 'own' : 'boxed') === 'own'
}

/** Brings the boxed lab up where it does not run yet. */
export async function chooseLab(context: Context, args: Arguments): Promise<ChosenLab> {
  if (isOwnLab(args))
    return ownLab(context, args.texts('ssh'))
  const status = await context.services.lab.status()
  return boxedLab(status.state === 'running' ? status : await labUp(context))
}

export function handleFor({ services }: Context, { name, target }: ChosenHost): HostHandle {
  return new HostHandle(name, async () => openSession(async () => services.connect(target), services.deploy))
}

/** Where a race goes: what the user named, otherwise the other host of the lab. */
export function otherHost(lab: ChosenLab, host: ChosenHost, named: string | undefined): ChosenHost {
  const other = named === undefined ? lab.hosts.find(candidate => candidate.name !== host.name) : lab.find(named)
  if (!other)
    throw usage('Where to?', 'Name the target with --to.')
  if (other.name === host.name)
    throw usage('A guest cannot migrate to the host it is on.', 'Name another one with --to.')
  return other
}

export function withAddress(host: ChosenHost, address: string | undefined): ChosenHost {
  if (address !== undefined && isIP(address) === 0)
    throw usage(`${address} is no IP address.`)
  return address === undefined ? host : { ...host, linkAddress: address }
}
