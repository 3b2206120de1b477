/**
 * A kernel in plain QEMU (no Xen, no KVM) whose RAM is a shared file on a tmpfs. It is stopped once the guest has left its
 * account of each page in its memory; from then on the file is what a reader of a running guest's memory would see.
 */
import type { Comparison } from './comparison.ts'
import type { Tools } from './tools.ts'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { monitorCommand } from '../../../electron/services/lab/monitor.ts'
import { MapFrameDecoder } from '../../../shared/agent/mapFrame.ts'
import { countPageClasses } from '../../../shared/model/pageClass.ts'
import { parseComparison } from './comparison.ts'
import { buildInitramfs } from './tools.ts'

const run = promisify(execFile)

const memoryMib = 512
const mib = 1024 * 1024
const pageBytes = 4096
const bootTimeoutMs = 240_000
/** compare.c's exit status while the guest still writes. */
const notReady = 3

export interface MachineSettings {
  kernelArguments: string
  /** RAM below the PCI hole; the rest lies above 4 GiB. Without it there is no hole. */
  lowMib?: number
  /** What the balloon leaves the guest. */
  balloonMib?: number
}

export interface Exploration {
  comparison: Comparison
  /** Pages of each class, as the console decodes what `agent map` sends. */
  map: ReturnType<typeof countPageClasses>
}

interface Paths {
  ram: string
  monitor: string
}

function qemuArguments(settings: MachineSettings, { ram, monitor }: Paths, kernel: string, initramfs: string): string[] {
  const hole = settings.lowMib !== undefined ? `,max-ram-below-4g=${settings.lowMib}M` : ''
  return [
    '-accel', 'tcg,tb-size=128', '-cpu', 'max', '-smp', '1', '-m', `${memoryMib}M`, '-machine', `pc,memory-backend=ram${hole}`,
    '-object', `memory-backend-file,id=ram,size=${memoryMib}M,mem-path=${ram},share=on`,
    '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-device', 'virtio-balloon-pci',
    '-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console', '-qmp', `unix:${monitor},server=on,wait=off`,
    '-kernel', kernel, '-initrd', initramfs,
    '-append', `console=ttyS0 loglevel=4 mitigations=off panic=-1 ${settings.kernelArguments}`,
  ]
}

/** QEMU ends with this process, however that ends. */
function startQemu(args: string[]) {
  return spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Resolves when the guest says it is ready; rejects with what it said last otherwise. */
async function awaitGuest(console: NodeJS.ReadableStream, signal: AbortSignal): Promise<void> {
  const last: string[] = []
  for await (const line of createInterface({ input: console, signal })) {
    last.push(line.slice(0, 300))
    if (line.includes('EXPLORE ready'))
      return
    if (line.includes('EXPLORE failed'))
      break
  }
  throw new Error(`the guest did not get ready: ${last.slice(-8).join(' / ')}`)
}

function holeFrames({ lowMib }: MachineSettings): [number, number] | null {
  return lowMib !== undefined ? [lowMib * mib / pageBytes, 4096 * mib / pageBytes] : null
}

/** With the guest stopped. Null while its account is not finished. */
async function compareNow(settings: MachineSettings, { ram }: Paths, { compare }: Tools): Promise<Comparison | null> {
  try {
    const { stdout } = await run(compare, [ram, ...(holeFrames(settings) ?? []).map(String)])
    return parseComparison(stdout)
  }
  catch (error) {
    if ((error as { code?: number }).code !== notReady)
      throw error
    return null
  }
}

/**
 * Stops the guest and compares, until the guest's account is known to have held at that instant: pages that moved just before
 * it would be taken for the agent's mistake (truth.h).
 */
async function exploreStopped(settings: MachineSettings, paths: Paths, tools: Tools): Promise<Exploration> {
  let candidate: Exploration | null = null
  for (let tries = 0; tries < 200; tries++) {
    await monitorCommand(paths.monitor, 'stop')
    const now = await compareNow(settings, paths, tools)
    if (!now || candidate?.comparison.account !== now.account)
      candidate = now && { comparison: now, map: await readMap(settings, paths, tools) }
    else if (now.looks >= candidate.comparison.looks + 2)
      return candidate
    await monitorCommand(paths.monitor, 'cont')
    await sleep(500)
  }
  const last = candidate ? `its account ${candidate.comparison.account} was found to hold ${candidate.comparison.looks} times` : 'it has no account of it'
  throw new Error(`the guest's memory did not stand still for long enough to be compared: ${last}`)
}

async function readMap(settings: MachineSettings, { ram }: Paths, { agent }: Tools): Promise<Exploration['map']> {
  const hole = holeFrames(settings)
  const { stdout } = await run(agent, ['map', '--file', ram, ...(hole ? ['--hole', hole.join(':')] : [])], { encoding: 'buffer', maxBuffer: 64 * mib })
  const decoder = new MapFrameDecoder()
  const [frame] = decoder.push(stdout)
  decoder.end()
  if (frame?.kind !== 'snapshot')
    throw new Error('the agent sent no snapshot')
  return countPageClasses(frame.classes)
}

/** Boots, waits, stops, compares and ends the machine. */
export async function exploreKernel(kernelFolder: string, settings: MachineSettings, tools: Tools): Promise<Exploration> {
  const folder = await mkdtemp('/dev/shm/me2-explore-')
  const paths = { ram: join(folder, 'ram'), monitor: join(folder, 'monitor') }
  const initramfs = await buildInitramfs(folder, tools, kernelFolder)
  const qemu = startQemu(qemuArguments(settings, paths, join(kernelFolder, 'vmlinuz'), initramfs))
  const ended = once(qemu, 'close')
  try {
    if (settings.balloonMib !== undefined)
      await setBalloon(paths.monitor, settings.balloonMib)
    await awaitGuest(qemu.stdout, AbortSignal.timeout(bootTimeoutMs))
    qemu.stdout.resume()
    return await exploreStopped(settings, paths, tools)
  }
  finally {
    qemu.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

/** The guest's driver finds the target when it starts. QEMU's socket is there soon after its process. */
async function setBalloon(monitor: string, balloonMib: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await monitorCommand(monitor, 'balloon', { value: balloonMib * mib })
      return
    }
    catch (error) {
      if (tries === 100)
        throw error
      await sleep(100)
    }
  }
}
