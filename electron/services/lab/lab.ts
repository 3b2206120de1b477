/**
 * The boxed lab: two or three real Xen hosts with three Linux guests or more, in QEMU on this machine.
 *
 * Files, below `cacheDir`:
 *   images/KEY/   what hosts boot from (image.ts)
 *   lab/          the one lab: state.json, SSH identity and known_hosts, one folder a host
 *   lock          held while the lab is being changed (lock.ts)
 */
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { SshTarget } from '../ssh/types.ts'
import type { GuestSpec } from './guests.ts'
import type { ImageCache, LabKeys } from './image.ts'
import type { QemuHost } from './qemu.ts'
import type { HostState, LabState } from './state.ts'
import type { LabHost, LabImage, LabProgress, LabStatus, RunOnHost } from './types.ts'
import { Buffer } from 'node:buffer'
import { mkdir, realpath, rm, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'
import { labHostMemoryMiB, labMemoryBytes, usualLabPlan } from '../../../shared/model/labPlan.ts'
import { cableEnds, startHub } from './cable.ts'
import { putLoad } from './guestLoad.ts'
import { describeGuest, readGuests } from './guests.ts'
import { listDomains, startMissingGuests } from './guestStart.ts'
import { ensureImage, imageFolder, labKeys } from './image.ts'
import { withLock } from './lock.ts'
import { setLink } from './monitor.ts'
import { freeTcpPorts } from './ports.ts'
import { powerOff } from './powerOff.ts'
import { findInFolder, isAlive, isOurs, waitForEnd } from './processes.ts'
import { hostFiles, startQemu } from './qemu.ts'
import { anyQemuName, endQemu, qemuName } from './qemuProcess.ts'
import { waitUntilReady } from './readiness.ts'
import { sowSeeds } from './seed.ts'
import { requireDisk, requireMemory } from './space.ts'
import { runOverSsh } from './sshCommand.ts'
import { readState, removeState, writeState } from './state.ts'
import { requireTools } from './tools.ts'

const hostPlaces = [
  { name: 'hosta', linkAddress: '10.77.0.1', mac: '52:54:00:77:00:01' },
  { name: 'hostb', linkAddress: '10.77.0.2', mac: '52:54:00:77:00:02' },
  { name: 'hostc', linkAddress: '10.77.0.3', mac: '52:54:00:77:00:03' },
]
const bootTimeoutMs = 180_000
const powerOffTimeoutMs = 60_000
/** struct sockaddr_un, sun_path; see unix(7). */
const socketPathMaxBytes = 107

export interface LabOptions {
  /** Where images and the running lab live; see defaultCacheDir. Made if missing. */
  cacheDir: string
  /** The folder resources/lab. */
  resourcesDir: string
  /** One line a noteworthy event, for the log. */
  log: (line: string) => void
  runOnHost?: RunOnHost
}

export interface UpOptions {
  /** Of a lab that has to be started; one that runs is adopted as it is. Default: the usual one. */
  plan?: LabPlan
  /** Ends a start that is under way; nothing of it stays behind. */
  signal?: AbortSignal
}

export interface Lab {
  /** Builds what is missing, adopts a healthy lab, and wakes those of its hosts that stand by, or starts one. Resolves when all guests are at work. */
  up: (options?: UpOptions, onProgress?: (progress: LabProgress) => void) => Promise<LabStatus>
  /** Ends all hosts. Logs stay until the next `up`. */
  down: () => Promise<void>
  status: () => Promise<LabStatus>
  /** `down`, and throws away all the hosts wrote; with `image`, the cached images too. */
  reset: (options?: { image?: boolean }) => Promise<void>
  /** Plugs one host's end of the inter-host cable out or in again. */
  linkCut: (hostName: string, cut: boolean) => Promise<void>
  /** Shuts a host down for real. Whoever calls has seen that it has no guests. */
  standBy: (hostName: string) => Promise<void>
  /** Starts a host that stands by. Resolves when it answers again. */
  wake: (hostName: string) => Promise<void>
  /** See guestLoad.ts. */
  load: (guest: string, percent: number) => Promise<void>
}

export function defaultCacheDir(): string {
  const { XDG_CACHE_HOME: configured = '' } = process.env
  return join(configured === '' ? join(homedir(), '.cache') : configured, 'me2-lab')
}

/** None twice. */
function imagesOf(state: LabState | null): LabImage[] {
  return [...new Map(state?.hosts.map(({ image }) => [image.key, image])).values()]
}

/** Of one host that has them all. */
function diskBytes(guests: readonly GuestSpec[]): number {
  return guests.reduce((sum, { disk }) => sum + (disk?.bytes ?? 0), 0)
}

type Announce = (phase: LabProgress['phase'], detail: string) => void

function labPaths(cacheDir: string) {
  const folder = join(cacheDir, 'lab')
  return {
    folder,
    stateFile: join(folder, 'state.json'),
    identityFile: join(folder, 'identity'),
    knownHostsFile: join(folder, 'known_hosts'),
    lockFile: join(cacheDir, 'lock'),
    images: join(cacheDir, 'images'),
    buildLog: join(cacheDir, 'build.log'),
  }
}

/** All effects go through the arguments and the two folders. Throws only Me2Error (`lab-*`, `host-unreachable`) on purpose. */
export function createLab({ cacheDir, resourcesDir, log, runOnHost = runOverSsh }: LabOptions): Lab {
  const paths = labPaths(cacheDir)
  const images: ImageCache = { folder: paths.images, resourcesDir, logFile: paths.buildLog }

  function sshTarget(sshPort: number): SshTarget {
    return { host: '127.0.0.1', port: sshPort, user: 'root', identityFiles: [paths.identityFile], knownHostsFiles: [paths.knownHostsFile] }
  }

  /** Alive, and what it was when it was recorded. */
  async function isHostAlive(host: HostState): Promise<boolean> {
    return await isAlive(host.process) && await isOurs(host.process.pid, await realpath(paths.folder), qemuName(host.name))
  }

  async function describeHost(host: HostState): Promise<LabHost> {
    const { serialLog, monitorSocket } = hostFiles(paths.folder, host.name)
    const { name, linkAddress, standby } = host
    return { name, linkAddress, ssh: sshTarget(host.sshPort), pid: host.process.pid, alive: await isHostAlive(host), standby, monitorSocket, serialLog }
  }

  async function status(): Promise<LabStatus> {
    const state = await readState(paths.stateFile)
    const guests = (await readGuests(resourcesDir, state?.plan ?? usualLabPlan)).map(describeGuest)
    const hosts = await Promise.all((state?.hosts ?? []).map(describeHost))
    const condition = hosts.length === 0 ? 'stopped' : hosts.every(host => host.alive || host.standby) ? 'running' : 'damaged'
    return { state: condition, images: imagesOf(state), hosts, guests }
  }

  /** Ends every QEMU that runs in the lab's folder, recorded or not: a console may die between start and record. */
  async function endHosts(): Promise<void> {
    const folder = await realpath(paths.folder).catch(() => null)
    if (folder === null)
      return
    const state = await readState(paths.stateFile)
    const strays = await findInFolder(folder, anyQemuName)
    await Promise.all(strays.map(async (stray) => {
      const recorded = state?.hosts.find(host => host.process.pid === stray.pid)
      log(`ending ${recorded?.name ?? 'a stray lab host'} (process ${stray.pid})`)
      return endQemu(stray, recorded ? hostFiles(paths.folder, recorded.name).monitorSocket : null)
    }))
    await removeState(paths.stateFile)
  }

  /** True if the recorded lab was made from the same inputs and all its hosts answer. */
  async function isHealthy(state: LabState, key: string): Promise<boolean> {
    const awake = state.hosts.filter(host => !host.standby)
    if (state.key !== key || !(await Promise.all(awake.map(isHostAlive))).every(Boolean) || (state.hub && !await isAlive(state.hub)))
      return false
    try {
      await Promise.all(awake.map(async host => listDomains(runOnHost, sshTarget(host.sshPort))))
      return true
    }
    catch (error) {
      log(`the running lab does not answer: ${(error as Error).message}`)
      return false
    }
  }

  function machine(plan: LabPlan, host: Pick<HostState, 'name' | 'sshPort' | 'cable'>): QemuHost & { linkAddress: string } {
    const place = hostPlaces.find(({ name }) => name === host.name)!
    return { ...place, sshPort: host.sshPort, cable: host.cable, memoryMiB: labHostMemoryMiB(plan), roomForDisks: plan.disks }
  }

  async function layOut(plan: LabPlan, guests: readonly GuestSpec[], hostImages: readonly LabImage[]): Promise<QemuHost[]> {
    await rm(paths.folder, { recursive: true, force: true })
    await mkdir(paths.folder, { recursive: true, mode: 0o700 })
    const sshPorts = await freeTcpPorts(plan.xen.length)
    const ends = await cableEnds(plan.xen.length)
    const hosts = hostPlaces.slice(0, plan.xen.length).map(({ name }, i) => ({ ...machine(plan, { name, sshPort: sshPorts[i]!, cable: ends[i]! }), folder: join(paths.folder, name) }))
    for (const [i, { folder }] of hosts.entries()) {
      await mkdir(folder)
      await symlink(imageFolder(images, hostImages[i]!.key), join(folder, 'image'))
    }
    await sowSeeds(hosts, guests, paths.identityFile, paths.knownHostsFile)
    return hosts
  }

  async function boot(made: Pick<LabState, 'key' | 'plan'>, hostImages: readonly LabImage[], guests: readonly GuestSpec[], signal?: AbortSignal): Promise<LabState> {
    const hosts = await layOut(made.plan, guests, hostImages)
    const hub = hosts.length > 2 ? await startHub(paths.folder, hosts.map(({ cable }) => cable)) : null
    const started = await Promise.all(hosts.map(async (host, i) => ({
      name: host.name,
      linkAddress: hostPlaces[i]!.linkAddress,
      sshPort: host.sshPort,
      cable: host.cable,
      standby: false,
      image: hostImages[i]!,
      process: await startQemu(paths.folder, host, 'fresh'),
    })))
    const state: LabState = { version: 3, ...made, hosts: started, hub }
    await writeState(paths.stateFile, state)
    await Promise.all(started.map(async host => waitUntilReady({ ...host, ...hostFiles(paths.folder, host.name) }, bootTimeoutMs, signal)))
    return state
  }

  async function start(keys: LabKeys, plan: LabPlan, progress: Announce, signal?: AbortSignal): Promise<void> {
    try {
      progress('tools', 'checking what is installed')
      await requireTools('run')
      progress('image', 'looking for the image')
      const hostImages: LabImage[] = []
      for (const xen of plan.xen)
        hostImages.push(await ensureImage(images, keys, { xen, deviceModel: plan.deviceModel }, { onStep: step => progress('image', step), signal }))
      progress('boot', `starting ${plan.xen.length} Xen hosts`)
      const guests = await readGuests(resourcesDir, plan)
      await requireMemory(labMemoryBytes(plan))
      await requireDisk(cacheDir, plan.xen.length * diskBytes(guests))
      const state = await boot({ key: keys.lab, plan }, hostImages, guests, signal)
      await startGuests(state, progress, signal)
    }
    catch (error) {
      await endHosts()
      throw error
    }
  }

  async function startGuests(state: LabState, progress: Announce, signal?: AbortSignal): Promise<void> {
    const guests = await readGuests(resourcesDir, state.plan)
    const targets = state.hosts.filter(host => !host.standby).map(host => sshTarget(host.sshPort))
    await startMissingGuests(runOnHost, targets, guests, progress, signal)
  }

  async function up({ signal, plan = usualLabPlan }: UpOptions = {}, onProgress: (progress: LabProgress) => void = () => {}): Promise<LabStatus> {
    if (Buffer.byteLength(hostFiles(paths.folder, hostPlaces[0]!.name).monitorSocket) > socketPathMaxBytes)
      throw new Me2Error('lab-boot-failed', `The path of the cache folder is too long for a socket: ${cacheDir}`, 'Set XDG_CACHE_HOME to a shorter one.')
    const startedMs = performance.now()
    const progress: Announce = (phase, detail) => onProgress({ phase, detail, elapsedMs: performance.now() - startedMs })
    await mkdir(cacheDir, { recursive: true })
    return withLock(paths.lockFile, async () => {
      const keys = await labKeys(resourcesDir)
      const state = await readState(paths.stateFile)
      if (state && await isHealthy(state, keys.lab)) {
        log('adopting the lab that is running')
        for (const { name } of state.hosts.filter(({ standby }) => standby)) {
          progress('boot', `waking ${name}`)
          await startAgain(name, signal)
        }
        await startGuests(await readState(paths.stateFile) ?? state, progress, signal)
      }
      else {
        await endHosts()
        await start(keys, plan, progress, signal)
      }
      return status()
    })
  }

  async function down(): Promise<void> {
    await mkdir(cacheDir, { recursive: true })
    await withLock(paths.lockFile, endHosts)
  }

  async function reset({ image = false }: { image?: boolean } = {}): Promise<void> {
    await mkdir(cacheDir, { recursive: true })
    await withLock(paths.lockFile, async () => {
      await endHosts()
      await rm(paths.folder, { recursive: true, force: true })
      if (image)
        await rm(paths.images, { recursive: true, force: true })
    })
  }

  async function linkCut(hostName: string, cut: boolean): Promise<void> {
    const host = (await status()).hosts.find(each => each.name === hostName && each.alive)
    if (!host)
      throw new Me2Error('lab-not-running', `The boxed lab has no running host ${hostName}.`, 'Start the lab.')
    await setLink(host.monitorSocket, !cut)
  }

  /** Throws `lab-not-running` where there is no such host, or it is not as it must be for that. */
  async function recorded(hostName: string, standby: boolean): Promise<{ state: LabState, host: HostState }> {
    const state = await readState(paths.stateFile)
    const host = state?.hosts.find(({ name }) => name === hostName)
    if (!state || !host || host.standby !== standby)
      throw new Me2Error('lab-not-running', `The boxed lab has no host ${hostName} that ${standby ? 'stands by' : 'runs'}.`, 'Look at the lab\'s state.')
    return { state, host }
  }

  async function record(state: LabState, host: HostState): Promise<void> {
    await writeState(paths.stateFile, { ...state, hosts: state.hosts.map(each => each.name === host.name ? host : each) })
  }

  async function standBy(hostName: string): Promise<void> {
    await withLock(paths.lockFile, async () => {
      const { state, host } = await recorded(hostName, false)
      await record(state, { ...host, standby: true })
      await powerOff(runOnHost, sshTarget(host.sshPort))
      if (!await waitForEnd(host.process, powerOffTimeoutMs)) {
        await record(state, host)
        throw new Me2Error('power-failed', `${hostName} did not shut down.`, 'It is still on; look at its serial log.')
      }
    })
  }

  async function startAgain(hostName: string, signal?: AbortSignal): Promise<void> {
    const { state, host } = await recorded(hostName, true)
    // it may not have got round to its end when its console ended
    const process = await isHostAlive(host) ? host.process : await startQemu(paths.folder, machine(state.plan, host), 'kept')
    const started = { ...host, standby: false, process }
    await record(state, started)
    try {
      await waitUntilReady({ ...started, ...hostFiles(paths.folder, hostName) }, bootTimeoutMs, signal)
    }
    catch (error) {
      // half awake it would make the whole lab look damaged, and be replaced with all guests
      await endQemu(process, hostFiles(paths.folder, hostName).monitorSocket)
      await record(state, host)
      throw error
    }
  }

  async function wake(hostName: string): Promise<void> {
    await withLock(paths.lockFile, async () => startAgain(hostName))
  }

  async function load(guest: string, percent: number): Promise<void> {
    const hosts = (await status()).hosts.filter(host => host.alive)
    await putLoad(runOnHost, hosts.map(({ ssh }) => ssh), guest, percent)
  }

  return { up, down, status, reset, linkCut, standBy, wake, load }
}
