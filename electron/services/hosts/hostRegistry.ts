/**
 * All hosts that the console knows, the boxed lab's and one's own, with what is known of each: one place that connects,
 * probes, samples their load and keeps the list of their guests fresh, while somebody looks.
 */
import type { Domain, LoadMessage } from '../../../shared/agent/messages.ts'
import type { GuestView, HostLoad, HostView } from '../../../shared/contract/hosts.ts'
import type { HostAgent } from '../agent/types.ts'
import type { LabGuest, LabStatus } from '../lab/types.ts'
import type { HostSession } from '../migration/hostHandle.ts'
import type { HostConnection, SshTarget } from '../ssh/types.ts'
import type { HostStore } from './hostStore.ts'
import type { HostProbe } from './probeHost.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { AgentTask } from '../migration/agentTask.ts'
import { domainsOn } from '../migration/findGuest.ts'
import { HostHandle, needsHuman, openSession } from '../migration/hostHandle.ts'
import { asProblem } from '../migration/problems.ts'
import { Broadcast, Watched } from '../watched.ts'
import { loadBetween } from './load.ts'
import { probeHost } from './probeHost.ts'
import { readSshAliases } from './sshAliases.ts'

export interface HostRegistryOptions {
  store: HostStore
  resolveTarget: (address: string) => SshTarget
  connect: (target: SshTarget) => Promise<HostConnection>
  deploy: (connection: HostConnection) => Promise<HostAgent>
  removeAgent: (connection: HostConnection) => Promise<string[]>
  /** For a one-line answer of an agent. */
  requestMs: number
}

/** A host as migrations need it. */
export interface KnownHost {
  name: string
  lab: 'boxed' | 'own'
  handle: HostHandle
  /** At which other hosts reach it; null: not known. */
  linkAddress: string | null
}

interface Entry extends KnownHost {
  address: string
  target: () => SshTarget
  view: HostView
  /** A connection that a probe made and the handle takes over. */
  fresh: HostSession | null
  sampler: AbortController | null
  probing: Promise<void> | null
}

const sampleEveryMs = 1000
/** Asking for guests costs a process on the host, so it is done when their number changed, and now and then. */
const guestsEveryMs = 10_000
const retrySamplingMs = 5000

export class HostRegistry {
  readonly hosts: Watched<HostView[]>
  readonly loads: Broadcast<HostLoad>
  private readonly options: HostRegistryOptions
  private readonly entries = new Map<string, Entry>()
  private labGuests: readonly LabGuest[] = []
  private watchers = { hosts: 0, loads: 0 }
  /** Hosts of a race or an autopilot: nobody may cut their connections. */
  private readonly held = new Map<string, readonly string[]>()

  constructor(options: HostRegistryOptions) {
    this.options = options
    this.hosts = new Watched<HostView[]>([], (count) => {
      this.watchers.hosts = count
      this.sampleWhereWatched()
    })
    this.loads = new Broadcast<HostLoad>((count) => {
      this.watchers.loads = count
      this.sampleWhereWatched()
    })
  }

  /** Reads the user's list. */
  async load(): Promise<void> {
    for (const { name, address } of await this.options.store.list())
      this.addEntry({ name, address, lab: 'own', target: () => this.options.resolveTarget(address), linkAddress: null })
    this.publish()
  }

  /** The boxed lab's hosts, or none. Resolves when each was probed. */
  async setBoxed(status: LabStatus | null): Promise<void> {
    for (const entry of [...this.entries.values()].filter(each => each.lab === 'boxed'))
      await this.dropEntry(entry)
    this.labGuests = status?.guests ?? []
    for (const { name, ssh, linkAddress } of status?.hosts ?? [])
      this.addEntry({ name, address: `${ssh.host}:${ssh.port}`, lab: 'boxed', target: () => ssh, linkAddress })
    this.publish()
    await Promise.all((status?.hosts ?? []).filter(({ standby }) => !standby).map(async ({ name }) => this.probe(name)))
  }

  /** Throws `usage` for a name nobody knows. */
  host(name: string): KnownHost {
    return this.entry(name)
  }

  /** As `host`, but throws `host-unreachable` unless it is connected: who only watches must not make a connection. */
  connectedHost(name: string): KnownHost {
    const entry = this.entry(name)
    if (entry.view.state !== 'ready')
      throw new Me2Error('host-unreachable', `${name} is not connected.`, 'Connect to it on the screen Hosts.')
    return entry
  }

  /** While somebody holds these, what would cut their connections is refused as `busy`. None: they let go. */
  hold(who: 'race' | 'autopilot', names: readonly string[]): void {
    this.held.set(who, names)
  }

  /** A host that was switched off on purpose is no problem; one that was switched on again is as it was, if anybody ever looked at it. */
  setResting(name: string, isResting: boolean): void {
    const entry = this.entry(name)
    if (isResting)
      entry.sampler?.abort()
    this.change(entry, { state: isResting || !entry.view.facts ? 'off' : 'ready', problem: null, ...isResting ? { guests: [] } : {} })
    this.sampleWhereWatched()
  }

  sshAliases(): { alias: string, address: string }[] {
    return readSshAliases().flatMap((alias) => {
      try {
        const { user, host, port } = this.options.resolveTarget(alias)
        return [{ alias, address: `${user}@${host}:${port}` }]
      }
      catch {
        return []
      }
    })
  }

  labGuest(name: string): LabGuest | null {
    return this.labGuests.find(guest => guest.name === name) ?? null
  }

  async add(name: string, address: string): Promise<void> {
    if (this.entries.has(name))
      throw new Me2Error('usage', `There is a host ${name} already.`, 'Choose another name.')
    this.options.resolveTarget(address)
    await this.options.store.add({ name, address })
    this.addEntry({ name, address, lab: 'own', target: () => this.options.resolveTarget(address), linkAddress: null })
    this.publish()
  }

  async edit(host: string, name: string, address: string): Promise<void> {
    const entry = this.freeEntry(this.ownEntry(host))
    if (name !== host && this.entries.has(name))
      throw new Me2Error('usage', `There is a host ${name} already.`, 'Choose another name.')
    this.options.resolveTarget(address)
    await this.dropEntry(entry)
    await this.options.store.remove(host)
    await this.add(name, address)
  }

  async remove(host: string): Promise<void> {
    const entry = this.freeEntry(this.ownEntry(host))
    await this.options.store.remove(host)
    await this.dropEntry(entry)
    this.publish()
  }

  /** Looks at everything anew. What is wrong becomes part of the host's view; nothing is thrown but for an unknown name. */
  async probe(name: string): Promise<void> {
    const entry = this.freeEntry(this.entry(name))
    entry.probing ??= this.probeEntry(entry).finally(() => entry.probing = null)
    await entry.probing
  }

  private async probeEntry(entry: Entry): Promise<void> {
    entry.sampler?.abort()
    await entry.handle.close()
    this.change(entry, { state: 'connecting', problem: null })
    try {
      const connection = await this.options.connect(entry.target())
      await this.probeOver(entry, connection)
    }
    catch (error) {
      this.change(entry, { state: 'problem', problem: asProblem(error), guests: [] })
    }
    this.sampleWhereWatched()
  }

  /** The host is as it was before us. */
  async removeAgent(name: string): Promise<void> {
    const entry = this.freeEntry(this.entry(name))
    entry.sampler?.abort()
    const connection = await this.options.connect(entry.target())
    try {
      await this.options.removeAgent(connection)
    }
    finally {
      connection.close()
      await entry.handle.close()
      this.change(entry, { state: 'off', agent: null, guests: [] })
    }
  }

  async refreshGuests(name: string): Promise<void> {
    const entry = this.entries.get(name)
    if (entry?.view.state === 'ready')
      this.change(entry, { guests: await this.guestsOf(entry) })
  }

  async close(): Promise<void> {
    for (const entry of this.entries.values()) {
      entry.sampler?.abort()
      await entry.handle.close()
    }
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name)
    if (!entry)
      throw new Me2Error('usage', `There is no host ${name}.`, 'It may have been removed; look at the list of hosts.')
    return entry
  }

  private ownEntry(name: string): Entry {
    const entry = this.entry(name)
    if (entry.lab === 'boxed')
      throw new Me2Error('usage', `${name} belongs to the boxed lab.`, 'It comes and goes with the lab.')
    return entry
  }

  private freeEntry(entry: Entry): Entry {
    const [who] = [...this.held].find(([, names]) => names.includes(entry.name)) ?? []
    if (who !== undefined)
      throw new Me2Error('busy', who === 'race' ? `A race is under way on ${entry.name}.` : `The autopilot has ${entry.name}.`, 'Wait for its end, or stop it.')
    return entry
  }

  private addEntry(host: Pick<Entry, 'name' | 'address' | 'lab' | 'target' | 'linkAddress'>): void {
    const { name, address, lab } = host
    const view: HostView = { name, address, lab, state: 'off', problem: null, checks: null, checkedAt: null, facts: null, agent: null, guests: [] }
    const entry: Entry = { ...host, view, fresh: null, sampler: null, probing: null, handle: new HostHandle(name, async () => this.sessionOf(entry)) }
    this.entries.set(name, entry)
  }

  private async dropEntry(entry: Entry): Promise<void> {
    this.entries.delete(entry.name)
    entry.sampler?.abort()
    await entry.handle.close()
  }

  private async sessionOf(entry: Entry): Promise<HostSession> {
    const { fresh } = entry
    entry.fresh = null
    return fresh ?? openSession(async () => this.options.connect(entry.target()), this.options.deploy)
  }

  private isKnown(entry: Entry): boolean {
    return this.entries.get(entry.name) === entry
  }

  private async probeOver(entry: Entry, connection: HostConnection): Promise<void> {
    let agent: HostAgent | null = null
    const probe = await probeHost(connection, async (over) => {
      agent = await this.options.deploy(over)
      return agent
    })
    // It may have been removed from the list meanwhile: then nobody would close the connection.
    if (agent !== null && probe.facts && this.isKnown(entry)) {
      entry.fresh = { connection, agent }
      await entry.handle.session()
    }
    else {
      connection.close()
    }
    if (!this.isKnown(entry))
      return
    const ready = probe.facts !== null
    this.change(entry, {
      state: ready ? 'ready' : 'problem',
      problem: ready ? null : firstProblem(probe),
      checks: probe.checks,
      checkedAt: new Date().toISOString(),
      facts: factsOf(probe),
      agent: agent === null ? null : await versionOf(agent),
      guests: ready ? await this.guestsOf(entry) : [],
    })
  }

  private async guestsOf(entry: Entry): Promise<GuestView[]> {
    const domains = await domainsOn(entry.handle, this.options.requestMs)
    return domains.filter(domain => domain.domid !== 0).map(domain => this.guestView(entry, domain))
  }

  private guestView(entry: Entry, { domid, name, kind, state, memoryBytes, vcpus }: Domain): GuestView {
    const known = entry.lab === 'boxed' ? this.labGuest(name) : null
    return { domid, name, kind, state, memoryBytes, vcpus, workload: known && { profile: known.profile, sentence: known.sentence } }
  }

  private change(entry: Entry, part: Partial<HostView>): void {
    entry.view = { ...entry.view, ...part }
    if (this.isKnown(entry))
      this.publish()
  }

  private publish(): void {
    this.hosts.set([...this.entries.values()].map(({ view }) => view))
  }

  private sampleWhereWatched(): void {
    const watched = this.watchers.hosts + this.watchers.loads > 0
    for (const entry of this.entries.values()) {
      if (!watched)
        entry.sampler?.abort()
      else if (entry.view.state === 'ready' && (entry.sampler === null || entry.sampler.signal.aborted))
        this.sample(entry)
    }
  }

  private sample(entry: Entry): void {
    entry.sampler = new AbortController()
    void this.keepSampling(entry, entry.sampler)
  }

  private async keepSampling(entry: Entry, sampler: AbortController): Promise<void> {
    const { signal } = sampler
    while (!signal.aborted) {
      try {
        await this.sampleOnce(entry, signal)
      }
      catch (error) {
        if (!signal.aborted)
          this.change(entry, { state: 'problem', problem: asProblem(error), guests: [] })
        // Asking for a password every few seconds would mend nothing: the user connects anew.
        if (needsHuman(error))
          sampler.abort()
      }
      if (!signal.aborted)
        await new Promise(resolve => setTimeout(resolve, retrySamplingMs))
    }
  }

  /** Until the agent, the connection or the signal ends. */
  private async sampleOnce(entry: Entry, signal: AbortSignal): Promise<void> {
    let before: LoadMessage | null = null
    let askedAtMs = 0
    const { agent } = await entry.handle.session()
    if (entry.view.state !== 'ready')
      this.change(entry, { state: 'ready', problem: null })
    const task = await AgentTask.start(agent, ['load', '--every', String(sampleEveryMs)], (message) => {
      if (message.t !== 'load')
        return
      if (before)
        this.loads.send(loadBetween(entry.name, before, message))
      const changed = before !== null && before.domains.map(({ domid }) => domid).join() !== message.domains.map(({ domid }) => domid).join()
      before = message
      if (changed || performance.now() - askedAtMs > guestsEveryMs) {
        askedAtMs = performance.now()
        this.refreshGuests(entry.name).catch(() => {})
      }
    })
    const stop = (): void => task.closeStdin()
    signal.addEventListener('abort', stop)
    if (signal.aborted)
      stop()
    await task.ended
    signal.removeEventListener('abort', stop)
  }
}

function firstProblem({ checks, host }: HostProbe): HostView['problem'] {
  const failed = checks.find(check => check.severity === 'error')
  return failed ? { code: failed.code, message: failed.message, action: failed.action } : { code: 'internal', message: `${host} could not be looked at.`, action: '' }
}

function factsOf({ facts }: HostProbe): HostView['facts'] {
  if (!facts)
    return null
  const { hostname, xen, kernel, cpuModel, cpus, totalBytes } = facts
  return { hostname, kernel, cpuModel, cpus, totalBytes, xen: xen ? `${xen.major}.${xen.minor}${xen.extra}` : '' }
}

/** Version, and the part of the file's name that tells its content (agent/deploy.ts). */
async function versionOf(agent: HostAgent): Promise<string> {
  const version = await agent.request(['version'], 'version')
  const content = agent.path.slice(agent.path.lastIndexOf('-') + 1, agent.path.length).slice(0, 8)
  return version.t === 'version' ? `${version.agent} (${content})` : content
}
