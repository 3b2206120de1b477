import type { Domain } from '../../../shared/agent/messages.ts'
import type { RunProblem } from '../../../shared/model/run.ts'
import type { HostProbe } from '../../services/hosts/probeHost.ts'
import type { Command, Context, Output } from '../command.ts'
import type { ChosenHost } from '../hostSelection.ts'
import { formatBytes, sentences } from '../../../shared/model/format.ts'
import { probeHost } from '../../services/hosts/probeHost.ts'
import { domainsOn } from '../../services/migration/findGuest.ts'
import { asProblem } from '../../services/migration/problems.ts'
import { chooseLab, handleFor, hostOptions, isOwnLab } from '../hostSelection.ts'
import { formatTable } from '../table.ts'

function describeProbe(name: string, { ready, checks, facts }: HostProbe): Output {
  const found = facts === null
    ? []
    : [
        ['CPU', `${facts.cpus} × ${facts.cpuModel}`],
        ['memory', `${formatBytes(facts.freeBytes)} free of ${formatBytes(facts.totalBytes)}`],
        ...facts.links.map(link => ['network', `${link.name} ${link.address}/${link.prefix}`]),
      ]
  const rows = [...checks.map(({ severity, message, action }) => [severity, sentences(message, action)]), ...found]
  const verdict = ready ? `${name} is ready.` : `${name} is not ready.`
  return { json: { name, ready, checks, facts }, text: `${formatTable(rows, ['left', 'left'])}\n${verdict}`, failed: !ready }
}

const probe: Command = {
  path: ['hosts', 'probe'],
  operands: ['HOST'],
  summary: 'Tells what a host is and what would stop a migration there.',
  options: hostOptions,
  run: async (context, args) => {
    const { connect, deploy } = context.services
    const host = (await chooseLab(context, args)).find(args.operands[0]!)
    const connection = await connect(host.target)
    try {
      return describeProbe(host.name, await probeHost(connection, deploy))
    }
    finally {
      connection.close()
    }
  },
}

type Listed = { name: string, address: string } & ({ guests: Domain[] } | { problem: RunProblem })

async function listHost(context: Context, host: ChosenHost): Promise<Listed> {
  const { name, target } = host
  const address = `${target.user}@${target.host}:${target.port}`
  const handle = handleFor(context, host)
  try {
    const domains = await domainsOn(handle, context.services.timing.requestMs)
    return { name, address, guests: domains.filter(domain => domain.domid !== 0) }
  }
  catch (error) {
    return { name, address, problem: asProblem(error) }
  }
  finally {
    await handle.close()
  }
}

function listedRow(listed: Listed): string[] {
  const found = 'problem' in listed
    ? listed.problem.message
    : listed.guests.map(guest => `${guest.name} (${guest.state}, ${formatBytes(guest.memoryBytes)})`).join(', ') || 'no guests'
  return [listed.name, listed.address, found]
}

const list: Command = {
  path: ['hosts', 'list'],
  operands: [],
  summary: 'Lists the hosts and the guests on each: the boxed lab\'s, or with --lab own those that were added.',
  options: hostOptions,
  run: async (context, args) => {
    const own = isOwnLab(args)
    if (!own && (await context.services.lab.status()).state !== 'running')
      return { json: { hosts: [] }, text: 'The boxed lab does not run. Start it with: lab up' }
    const lab = await chooseLab(context, args)
    const added = own && lab.hosts.length === 0 ? (await context.services.ownHosts.list()).map(({ name }) => lab.find(name)) : []
    const hosts = await Promise.all([...lab.hosts, ...added].map(async host => listHost(context, host)))
    const text = hosts.length === 0 ? 'No host of your own was added yet.' : formatTable(hosts.map(listedRow), ['left', 'left', 'left'])
    return { json: { hosts }, text, failed: hosts.some(host => 'problem' in host) }
  },
}

const add: Command = {
  path: ['hosts', 'add'],
  operands: ['NAME', 'ADDRESS'],
  summary: 'Keeps a host of your own under a name: user@host[:port], or a Host of ~/.ssh/config.',
  options: [],
  run: async ({ services }, { operands: [name, address] }) => {
    services.resolveTarget(address!)
    await services.ownHosts.add({ name: name!, address: address! })
    return { json: { name, address }, text: `${name} is ${address}.` }
  },
}

const remove: Command = {
  path: ['hosts', 'remove'],
  operands: ['NAME'],
  summary: 'Forgets a host of your own; nothing is changed on it.',
  options: [],
  run: async ({ services }, { operands: [name] }) => {
    const removed = await services.ownHosts.remove(name!)
    return { json: { name, removed }, text: removed ? `${name} is forgotten.` : `There was no host ${name}.`, failed: !removed }
  },
}

export const hostsCommands = [probe, list, add, remove]
