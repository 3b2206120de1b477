/** Asks both hosts what a pre-check needs to know. Throws where a host cannot be asked at all. */
import type { ProbeMessage } from '../../../../shared/agent/messages.ts'
import type { Problem } from '../../../../shared/errors.ts'
import type { Link, Mode } from '../../../../shared/model/run.ts'
import type { HostConnection } from '../../ssh/types.ts'
import type { HostHandle } from '../hostHandle.ts'
import type { MigrationTiming } from '../timing.ts'
import type { GuestConfig, HostState, PrecheckFacts } from './facts.ts'
import { openGuestMap } from '../../memory/guestMap.ts'
import { agentsOnHost, migratesGuest } from '../agentsOnHost.ts'
import { domainsOn } from '../findGuest.ts'
import { asProblem } from '../problems.ts'
import { parseGuestConfig } from './guestConfig.ts'
import { commonAddress } from './linkAddress.ts'
import { measureLink } from './measureLink.ts'

export interface PrecheckRequest {
  source: HostHandle
  target: HostHandle
  guest: string
  /** All modes that will be run. */
  modes: readonly Mode[]
  link: Link
  rateMbit: number | null
  /** The target's address for the link, where it is known; otherwise it is looked for. */
  targetAddress: string | null
  /** Its disks are copied, so they need not be at the target. */
  withDisk?: boolean
  timing: MigrationTiming
}

async function hostState(host: HostHandle, timeoutMs: number): Promise<HostState> {
  const { agent } = await host.session()
  const probe = await agent.request(['probe'], 'probe', { timeoutMs }) as ProbeMessage
  const version = await agent.request(['version'], 'version', { timeoutMs })
  return { name: host.name, probe, agent: version.t === 'version' ? version.agent : '', domains: await domainsOn(host, timeoutMs) }
}

async function guestConfig({ source, guest, timing }: PrecheckRequest, xl: string): Promise<GuestConfig | null> {
  const { connection } = await source.session()
  const listed = await connection.exec([xl, 'list', '-l', guest], { asRoot: connection.root, timeoutMs: timing.requestMs })
  return listed.code === 0 ? parseGuestConfig(listed.stdout.toString('utf8')) : null
}

async function missing(connection: HostConnection, paths: readonly string[], timeoutMs: number): Promise<string[]> {
  const absent: string[] = []
  for (const path of paths) {
    const { code } = await connection.exec(['test', '-e', path], { asRoot: connection.root, timeoutMs })
    if (code !== 0)
      absent.push(path)
  }
  return absent
}

const bridgeFolder = '/sys/class/net/'

async function missingOn({ target, timing, withDisk = false }: PrecheckRequest, config: GuestConfig | null): Promise<Pick<PrecheckFacts, 'missingBootFiles' | 'missingDisks' | 'missingBridges'>> {
  if (!config)
    return { missingBootFiles: [], missingDisks: [], missingBridges: [] }
  const { connection } = await target.session()
  const bridges = await missing(connection, config.bridges.map(name => bridgeFolder + name), timing.requestMs)
  return {
    missingBootFiles: await missing(connection, config.bootFiles, timing.requestMs),
    missingDisks: withDisk ? [] : await missing(connection, config.disks, timing.requestMs),
    missingBridges: bridges.map(path => path.slice(bridgeFolder.length)),
  }
}

async function guestKernel({ source, guest, modes }: PrecheckRequest): Promise<{ version: string } | Problem | null> {
  if (!modes.includes('me2'))
    return null
  try {
    const { agent } = await source.session()
    const map = await openGuestMap(agent, guest)
    map.close()
    return { version: map.kernel }
  }
  catch (error) {
    return asProblem(error)
  }
}

async function isBusy({ source, guest }: PrecheckRequest): Promise<boolean> {
  const agents = await agentsOnHost(await source.session())
  return agents?.some(agent => migratesGuest(agent, guest)) ?? false
}

export async function gatherFacts(request: PrecheckRequest): Promise<PrecheckFacts> {
  const { source, target, guest, modes, link, rateMbit, timing } = request
  const [from, to] = await Promise.all([hostState(source, timing.requestMs), hostState(target, timing.requestMs)])
  const domain = from.domains.find(candidate => candidate.name === guest) ?? null
  const config = domain ? await guestConfig(request, from.probe.xl?.path ?? 'xl') : null
  const linkAddress = request.targetAddress ?? commonAddress(from.probe.links, to.probe.links)
  const measurable = linkAddress !== null && domain !== null && link !== 'ssh'
  return {
    guest, modes, link, rateMbit, domain, config, linkAddress,
    withDisk: request.withDisk ?? false,
    source: from,
    target: to,
    ...await missingOn(request, config),
    kernel: domain ? await guestKernel(request) : null,
    measured: measurable ? await measureLink({ source, target, link, address: linkAddress, timing }) : null,
    busy: domain ? await isBusy(request) : false,
  }
}
