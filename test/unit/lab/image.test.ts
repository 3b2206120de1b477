import type { ImageKind } from '../../../electron/services/lab/image.ts'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { labKeys, sweepStale } from '../../../electron/services/lab/image.ts'
import { identify } from '../../../electron/services/lab/processes.ts'

const usual: ImageKind = { xen: '4.17', deviceModel: false }
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-image-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function writeTree(tree: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(tree)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

describe('the key of an image', () => {
  const tree = { 'build.sh': 'make it', 'dom0/init': 'boot', 'guest/init': 'work' }
  const imageKey = async (kind: ImageKind = usual): Promise<string> => (await labKeys(folder)).image(kind)

  it('is the same for the same files, whenever they were written', async () => {
    await writeTree(tree)
    const key = await imageKey()
    await utimes(join(folder, 'build.sh'), 1, 1)
    expect(await imageKey()).toBe(key)
    expect(key).toMatch(/^[0-9a-f]{16}$/)
  })

  it.each([
    ['a changed file', { 'dom0/init': 'boot!' }],
    ['one more file', { 'dom0/extra': '' }],
    ['text moved from one file to the next', { 'dom0/init': 'boo', 'guest/init': 'twork' }],
  ])('is another for %s', async (_, changes) => {
    await writeTree(tree)
    const key = await imageKey()
    await writeTree(changes)
    expect(await imageKey()).not.toBe(key)
  })

  it('is another for another Xen, and with a device model', async () => {
    await writeTree(tree)
    const keys = await Promise.all([usual, { ...usual, xen: '4.20' as const }, { ...usual, deviceModel: true }].map(imageKey))
    expect(new Set(keys).size).toBe(3)
  })

  it('is another for a renamed file', async () => {
    await writeTree({ ...tree, 'dom0/a': 'same' })
    const key = await imageKey()
    await rm(join(folder, 'dom0/a'))
    await writeTree({ 'dom0/b': 'same' })
    expect(await imageKey()).not.toBe(key)
  })

  it('does not see the guests, which are no part of it: only the lab\'s own key does', async () => {
    await writeTree({ ...tree, 'guests.json': '{}' })
    const before = await labKeys(folder)
    await writeTree({ 'guests.json': '{ "guests": [] }' })
    const after = await labKeys(folder)
    expect(after.image(usual)).toBe(before.image(usual))
    expect(after.lab).not.toBe(before.lab)
    await writeTree({ 'dom0/init': 'boot!' })
    expect((await labKeys(folder)).lab).not.toBe(after.lab)
  })

  it('does not see what make leaves behind', async () => {
    await writeTree(tree)
    const key = await imageKey()
    await writeTree({ 'guest/build/workload': 'binary' })
    expect(await imageKey()).toBe(key)
  })
})

describe('what a dead builder left', () => {
  it('is swept away; what a living one is building, and what is no temporary folder, stays', async () => {
    const self = (await identify(process.pid))!
    const living = `building-${self.pid}-${self.startTicks}`
    const deadWithMyNumber = `building-${self.pid}-${self.startTicks - 1}`
    const dead = 'building-99999999-5'
    await writeTree({ [`${living}/x`]: '', [`${deadWithMyNumber}/x`]: '', [`${dead}/x`]: '', 'building-notes/x': '', '0123456789abcdef/x': '' })
    await sweepStale(folder, 'building-')
    expect((await readdir(folder)).sort()).toEqual(['0123456789abcdef', living, 'building-notes'].sort())
  })

  it('may be nothing at all', async () => {
    await expect(sweepStale(join(folder, 'missing'), 'building-')).resolves.toBeUndefined()
  })
})

describe('the cache', () => {
  /** A build that needs a second, does what the real one does with its arguments, and can be told to fail. */
  const buildScript = `#!/bin/bash
set -eu
echo "== first step"
[ ! -e "$(dirname "$0")/fail" ] || { echo "no such mirror" >&2; exit 1; }
echo '{"suite":"s","xen":"x","kernel":"k"}' >"$1/manifest.json"
echo "$2" >"$1/scratch"
echo "== second step"
`

  async function cacheWith(files: Record<string, string>) {
    await writeTree(Object.fromEntries(Object.entries({ 'build.sh': buildScript, ...files }).map(([name, text]) => [`resources/${name}`, text])))
    await chmod(join(folder, 'resources/build.sh'), 0o755)
    const { ensureImage } = await import('../../../electron/services/lab/image.ts')
    const cache = { folder: join(folder, 'images'), resourcesDir: join(folder, 'resources'), logFile: join(folder, 'build.log') }
    const steps: string[] = []
    const signal = new AbortController()
    const ensure = async () => ensureImage(cache, await labKeys(cache.resourcesDir), usual, { onStep: step => steps.push(step), signal: signal.signal })
    return { cache, steps, ensure, signal }
  }

  const asRoot = process.getuid?.() === 0

  it.runIf(asRoot)('builds once, tells the steps, keeps no scratch, and drops the image of older files', async () => {
    const { cache, steps, ensure } = await cacheWith({})
    await mkdir(join(cache.folder, 'older'), { recursive: true })
    const image = await ensure()
    expect(image).toEqual({ key: (await labKeys(cache.resourcesDir)).image(usual), suite: 's', xen: 'x', kernel: 'k' })
    expect(steps).toEqual(['first step', 'second step'])
    expect(await readdir(cache.folder)).toEqual([image.key])
    const scratch = (await readFile(join(cache.folder, image.key, 'scratch'), 'utf8')).trim()
    await expect(readdir(scratch)).rejects.toThrow('ENOENT')
    await ensure()
    expect(steps, 'the second time it is there').toHaveLength(2)
  })

  it.runIf(asRoot)('leaves nothing half-made when a build fails, and says what it said', async () => {
    const { cache, ensure } = await cacheWith({ fail: '' })
    await expect(ensure()).rejects.toMatchObject({ code: 'lab-build-failed', message: expect.stringContaining('no such mirror') as string })
    expect(await readdir(cache.folder)).toEqual([])
    expect(await readFile(cache.logFile, 'utf8')).toContain('no such mirror')
  })

  it.runIf(asRoot)('leaves nothing half-made when it is cancelled: the life line ends the build', async () => {
    const slow = `#!/bin/bash\necho "== slow"\nread -r _ || exit 143\n`
    const { cache, ensure, steps, signal } = await cacheWith({ 'build.sh': slow })
    const built = ensure()
    built.catch(() => {})
    while (!steps.length)
      await new Promise(done => setTimeout(done, 20))
    signal.abort(new Error('enough'))
    await expect(built).rejects.toThrow('enough')
    expect(await readdir(cache.folder)).toEqual([])
  })
})
