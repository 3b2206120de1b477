/**
 * The cache of lab images: one folder an image, named by a hash of what it was made from. An image is built under a
 * temporary name that says who builds it, and renamed when it is whole; what a dead builder left is swept away.
 */
import type { Hash } from 'node:crypto'
import type { XenRelease } from '../../../shared/model/labPlan.ts'
import type { LabImage } from './types.ts'
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'
import { xenReleases } from '../../../shared/model/labPlan.ts'
import { identify, isAlive } from './processes.ts'
import { freeDiskBytes, imageDiskBytes, requireDisk } from './space.ts'
import { requireTools, toolEnvironment } from './tools.ts'

const memoryDisk = '/dev/shm'
const memoryDiskBytes = 1_500_000_000
const scratchPrefix = 'me2-lab-'
const buildingPrefix = 'building-'
const tailLines = 15

const manifestSchema = z.object({ suite: z.string(), xen: z.string(), kernel: z.string() })

export interface ImageCache {
  /** Folder of all images. */
  folder: string
  resourcesDir: string
  /** Where the output of the last build goes. */
  logFile: string
}

export interface BuildOptions {
  onStep: (step: string) => void
  signal?: AbortSignal
}

/** make's output beside the sources. */
const buildFolder = 'build'

/** Goes into each lab's seed (seed.ts), and not into the image. */
const guestsFile = 'guests.json'

/** What one image differs in from another made from the same files. */
export interface ImageKind {
  xen: XenRelease
  /** With QEMU in dom0, for HVM guests. */
  deviceModel: boolean
}

const allKinds: ImageKind[] = xenReleases.flatMap(xen => [false, true].map(deviceModel => ({ xen, deviceModel })))

/** Arguments of build.sh; part of the image's key. */
function kindArguments({ xen, deviceModel }: ImageKind): string[] {
  return [xen, deviceModel ? 'device-model' : 'no-device-model']
}

export interface LabKeys {
  /** Of what an image of that kind is made from. */
  image: (kind: ImageKind) => string
  /** Of the guests as well, which a lab is started with. */
  lab: string
}

/**
 * 16 hex digits over names and contents of the source files below the folder; they do not depend on their order or times.
 */
export async function labKeys(resourcesDir: string): Promise<LabKeys> {
  const entries = await readdir(resourcesDir, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile() && basename(entry.parentPath) !== buildFolder).map(entry => join(entry.parentPath, entry.name))
  const sources = await digestOf(resourcesDir, files.filter(file => relative(resourcesDir, file) !== guestsFile))
  return {
    image: kind => keyFrom(sources.copy().update(kindArguments(kind).join(' '))),
    lab: keyFrom(await digestOf(resourcesDir, files)),
  }
}

function keyFrom(hash: Hash): string {
  return hash.digest('hex').slice(0, 16)
}

async function digestOf(resourcesDir: string, files: readonly string[]): Promise<Hash> {
  const hash = createHash('sha256')
  for (const file of [...files].sort()) {
    const bytes = await readFile(file)
    const name = relative(resourcesDir, file).split(sep).join('/')
    hash.update(`${Buffer.byteLength(name)} ${name} ${bytes.length} `).update(bytes)
  }
  return hash
}

export function imageFolder(cache: ImageCache, key: string): string {
  return join(cache.folder, key)
}

async function readImage(cache: ImageCache, key: string): Promise<LabImage | null> {
  const text = await readFile(join(imageFolder(cache, key), 'manifest.json'), 'utf8').catch(() => null)
  return text === null ? null : { key, ...manifestSchema.parse(JSON.parse(text)) }
}

async function ownName(prefix: string): Promise<string> {
  const self = await identify(process.pid)
  return `${prefix}${process.pid}-${self?.startTicks}`
}

/** True for a temporary folder whose maker is gone. */
async function isStale(name: string, prefix: string): Promise<boolean> {
  const owner = name.startsWith(prefix) ? /^(\d+)-(\d+)$/.exec(name.slice(prefix.length)) : null
  return owner !== null && !await isAlive({ pid: Number(owner[1]), startTicks: Number(owner[2]) })
}

/** Removes the folders `PREFIX<pid>-<startTicks>` whose process has ended. */
export async function sweepStale(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (await isStale(name, prefix))
      await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function runBuild(cache: ImageCache, kind: ImageKind, out: string, scratch: string, { onStep, signal }: BuildOptions): Promise<void> {
  signal?.throwIfAborted()
  const script = join(cache.resourcesDir, 'build.sh')
  const build = spawn('bash', [script, out, scratch, ...kindArguments(kind)], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: toolEnvironment() })
  const log = createWriteStream(cache.logFile, { mode: 0o600 })
  const tail: string[] = []
  const takeLine = (line: string) => {
    log.write(`${line}\n`)
    tail.push(line.slice(0, 500))
    tail.splice(0, tail.length - tailLines)
    if (line.startsWith('== '))
      onStep(line.slice(3))
  }
  for (const output of [build.stdout, build.stderr])
    createInterface({ input: output }).on('line', takeLine)
  const onAbort = () => build.stdin.destroy() // its life line
  signal?.addEventListener('abort', onAbort)
  const [code] = await (once(build, 'close') as Promise<[number | null]>).finally(() => {
    signal?.removeEventListener('abort', onAbort)
    log.end()
  })
  signal?.throwIfAborted()
  if (code !== 0)
    throw new Me2Error('lab-build-failed', `The lab's image could not be built:\n${tail.join('\n')}`, `The whole output is in ${cache.logFile}.`)
}

async function buildImage(cache: ImageCache, kind: ImageKind, key: string, options: BuildOptions): Promise<void> {
  await requireTools('build')
  await requireDisk(cache.folder, imageDiskBytes)
  if (process.getuid?.() !== 0)
    throw new Me2Error('lab-build-failed', 'Only root can build the lab\'s image (it holds files of several owners).', 'Start the lab once as root, with your own XDG_CACHE_HOME.')
  const building = join(cache.folder, await ownName(buildingPrefix))
  const inMemory = await freeDiskBytes(memoryDisk).catch(() => 0) > memoryDiskBytes
  const scratch = inMemory ? join(memoryDisk, await ownName(scratchPrefix)) : join(building, 'scratch')
  const out = join(building, 'image')
  try {
    await mkdir(out, { recursive: true })
    await mkdir(scratch, { recursive: true })
    await runBuild(cache, kind, out, scratch, options)
    await rename(out, imageFolder(cache, key))
  }
  finally {
    await rm(scratch, { recursive: true, force: true })
    await rm(building, { recursive: true, force: true })
  }
}

/** Images made from older files. */
async function dropOlder(cache: ImageCache, keys: LabKeys): Promise<void> {
  const present = new Set(allKinds.map(keys.image))
  for (const name of await readdir(cache.folder)) {
    if (!present.has(name) && !name.startsWith(buildingPrefix))
      await rm(join(cache.folder, name), { recursive: true, force: true })
  }
}

/**
 * Gives the image of that kind for the files in resourcesDir, from the cache or built anew (then older images go).
 * Throws `lab-missing-tools`, `lab-no-space`, `lab-build-failed`, or the signal's reason. The caller holds the lab's lock.
 */
export async function ensureImage(cache: ImageCache, keys: LabKeys, kind: ImageKind, options: BuildOptions): Promise<LabImage> {
  const key = keys.image(kind)
  await mkdir(cache.folder, { recursive: true })
  await sweepStale(cache.folder, buildingPrefix)
  await sweepStale(memoryDisk, scratchPrefix)
  if (await readImage(cache, key) === null) {
    await buildImage(cache, kind, key, options)
    await dropOlder(cache, keys)
  }
  const image = await readImage(cache, key)
  if (!image)
    throw new Me2Error('lab-build-failed', 'The lab\'s image has no manifest.', `See ${cache.logFile}.`)
  return image
}
