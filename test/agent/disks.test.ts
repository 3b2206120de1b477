/**
 * Disk Exploration block by block against the file systems' own tools. If this fails, a migration may leave out blocks that
 * hold something, or send blocks that hold nothing.
 */
import type { Volume } from '../../shared/agent/messages.ts'
import type { Comparison, PlacedTruth } from './disks/comparison.ts'
import type { Files } from './disks/files.ts'
import type { Range } from './disks/truth.ts'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { diskClass, mapDisk } from './disks/agentMap.ts'
import { compare, comparisonTable } from './disks/comparison.ts'
import { copySparse, extKinds, makeExt, makeJournalled } from './disks/extImages.ts'
import { makeFiles } from './disks/files.ts'
import { damagePrimaryGpt, writeGpt, writeLvm, writeMbr } from './disks/layouts.ts'
import { buildAgent, buildMeasure, copyInto, makeSparse, mib, run } from './disks/tools.ts'
import { extTruth, replayedExtTruth, xfsTruth } from './disks/truth.ts'
import { makeXfs, xfsKinds } from './disks/xfsImages.ts'

const largeGigabytes = 100
const largeFiles = 10_000
const rssBytesMax = 64 * mib

let folder = ''
let agent = ''
let files: Files
const rows: { name: string, comparison: Comparison }[] = []

const newPath = (() => {
  let count = 0
  return (): string => join(folder, `disk${count++}.img`)
})()

/** Explores the disk, which is removed then, and expects every used block to be found and nearly every free one. */
async function expectAgreement(name: string, disk: string, placed: PlacedTruth[], otherFree: Range[] = []): Promise<Volume[]> {
  const map = await mapDisk(agent, disk)
  await rm(disk)
  const comparison = compare(map, placed, otherFree)
  rows.push({ name, comparison })
  expect(comparison.used).toBeGreaterThan(500)
  expect(comparison.free).toBeGreaterThan(20_000)
  expect(comparison.missed).toBe(0)
  expect(comparison.recognised / comparison.free).toBeGreaterThanOrEqual(0.99)
  return map.volumes
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-disks-'))
  agent = await buildAgent()
  files = await makeFiles(join(folder, 'files'), 400, 100_000)
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  process.stdout.write(`\n${comparisonTable(rows)}\n\n`)
})

describe('file systems on the whole disk', () => {
  it.each(extKinds)('$name', async (kind) => {
    const disk = newPath()
    await makeExt(disk, kind, files)
    const [volume] = await expectAgreement(kind.name, disk, [{ truth: await extTruth(disk) }])
    expect(volume).toMatchObject({ name: 'disk', state: 'clean', kind: kind.name.slice(0, 4), note: null })
  })

  it.each(xfsKinds)('$name', async (kind) => {
    const disk = newPath()
    await makeXfs(disk, kind, files)
    const [volume] = await expectAgreement(kind.name, disk, [{ truth: await xfsTruth(disk) }])
    expect(volume).toMatchObject({ name: 'disk', state: 'clean', kind: 'xfs', note: null })
  })
})

describe('a journal that is not yet in its place', () => {
  const journals = [
    { name: 'ext3, 4k', blockBytes: 4096, options: ['-t', 'ext3'], opened: '' },
    { name: 'ext3, 1k', blockBytes: 1024, options: ['-t', 'ext3'], opened: '' },
    { name: 'ext4, checksums v2', blockBytes: 4096, options: ['-t', 'ext4'], opened: '-c -v 2' },
    { name: 'ext4, checksums v3', blockBytes: 4096, options: ['-t', 'ext4'], opened: '-c -v 3' },
    { name: 'ext4, ^64bit, checksums v3', blockBytes: 1024, options: ['-t', 'ext4', '-O', '^64bit'], opened: '-c -v 3' },
  ]

  it.each(journals)('$name: is applied', async ({ name, blockBytes, options, opened }) => {
    const disk = newPath()
    await makeJournalled(disk, { name, mebibytes: 300, options }, blockBytes, files, { opened, committed: true })
    const replayed = newPath()
    await copySparse(disk, replayed)
    const withoutJournal = await extTruth(disk)
    const truth = await replayedExtTruth(replayed)
    expect(truth.free, 'the journal makes a difference').not.toEqual(withoutJournal.free)
    const [volume] = await expectAgreement(`journal of ${name}`, disk, [{ truth }])
    expect(volume).toMatchObject({ state: 'replayed', note: null })
  })

  it('only as far as it is committed', async () => {
    const disk = newPath()
    await makeJournalled(disk, { name: 'ext4', mebibytes: 300, options: ['-t', 'ext4', '-O', '^metadata_csum'] }, 4096, files, { opened: '', committed: false })
    const replayed = newPath()
    await copySparse(disk, replayed)
    const truth = await replayedExtTruth(replayed)
    const map = await mapDisk(agent, disk)
    const comparison = compare(map, [{ truth }])
    rows.push({ name: 'journal, last transaction open', comparison })
    expect(comparison.missed).toBe(0)
    expect(map.volumes[0]).toMatchObject({ state: 'replayed' })
  })
})

describe('what is pending and cannot be applied', () => {
  it('ext2 that was not unmounted has no free block', async () => {
    const disk = newPath()
    await makeExt(disk, { name: 'ext2', mebibytes: 100, options: ['-t', 'ext2'] }, files)
    await run('debugfs', '-w', '-R', 'set_super_value state 0', disk)
    const map = await mapDisk(agent, disk)
    expect(map.volumes[0]).toMatchObject({ state: 'doubtful', freeBytes: 0 })
    expect(map.counts[diskClass.free]).toBe(0)
    expect(map.counts[diskClass.doubtful]).toBeGreaterThan(1000)
  })

  it('xfs whose log does not end in an unmount has no free block', async () => {
    const disk = newPath()
    await makeXfs(disk, { name: 'xfs', mebibytes: 400, options: [] }, files)
    const fields = await run('xfs_db', '-r', '-c', 'sb 0', '-c', 'print logstart agblklog agblocks blocksize', disk)
    const [start, shift, groupBlocks, blockBytes] = [...fields.matchAll(/= (\d+)/g)].map(found => Number(found[1])) as [number, number, number, number]
    const log = (Math.floor(start / 2 ** shift) * groupBlocks + start % 2 ** shift) * blockBytes
    await run('dd', 'if=/dev/zero', `of=${disk}`, 'bs=512', 'count=1', `seek=${log + 512}`, 'oflag=seek_bytes', 'conv=notrunc', 'status=none')
    const map = await mapDisk(agent, disk)
    expect(map.volumes[0]).toMatchObject({ state: 'doubtful', freeBytes: 0 })
    expect(map.counts[diskClass.free]).toBe(0)
    expect(map.counts[diskClass.doubtful]).toBeGreaterThan(1000)
  })
})

describe('disks of several parts', () => {
  const ext4 = { name: 'ext4', mebibytes: 300, options: ['-t', 'ext4'] }
  const ext3 = { name: 'ext3', mebibytes: 200, options: ['-t', 'ext3', '-b', '1024'] }
  const xfs = { name: 'xfs', mebibytes: 400, options: [] }

  it('in an MBR, with logical partitions, one that starts at an odd sector, and swap', async () => {
    const disk = newPath()
    const [first, second, third] = [newPath(), newPath(), newPath()]
    await makeExt(first, ext4, files)
    await makeXfs(second, xfs, files)
    await makeExt(third, ext3, files)
    const places = [
      { offset: 63 * 512, bytes: 300 * mib },
      { offset: 310 * mib, bytes: 16 * mib },
      { offset: 330 * mib, bytes: 400 * mib },
      { offset: 740 * mib, bytes: 210 * mib },
    ] as const
    const swap = newPath()
    await makeSparse(swap, places[1].bytes)
    await run('mkswap', swap)
    await makeSparse(disk, 1000 * mib)
    await writeMbr(disk, 1000 * mib, [places[0], places[1]], [places[2], places[3]])
    for (const [image, { offset, bytes }] of [[first, places[0]], [swap, places[1]], [second, places[2]], [third, places[3]]] as const)
      await copyInto(disk, offset, image, 0, bytes)
    const place = ({ offset, bytes }: { offset: number, bytes: number }): PlacedTruth['segments'] => [{ at: 0, offset, bytes }]
    const volumes = await expectAgreement('MBR: ext4 at sector 63, swap, xfs, ext3', disk, [
      { truth: await extTruth(first), segments: place(places[0]) },
      { truth: await xfsTruth(second), segments: place(places[2]) },
      { truth: await extTruth(third), segments: place(places[3]) },
    ])
    expect(volumes.map(({ name, kind }) => [name, kind])).toEqual([['partition 1', 'ext4'], ['partition 2', 'swap'], ['partition 5', 'xfs'], ['partition 6', 'ext3']])
  })

  it.each([{ damaged: false }, { damaged: true }])('in a GPT, its primary copy damaged: $damaged', async ({ damaged }) => {
    const disk = newPath()
    const [first, second] = [newPath(), newPath()]
    await makeExt(first, ext4, files)
    await makeXfs(second, xfs, files)
    const places = [{ offset: mib, bytes: 300 * mib }, { offset: 301 * mib, bytes: 401 * mib }] as const
    await makeSparse(disk, 720 * mib)
    await writeGpt(disk, 720 * mib, [...places])
    if (damaged)
      await damagePrimaryGpt(disk)
    await copyInto(disk, places[0].offset, first, 0, places[0].bytes)
    await copyInto(disk, places[1].offset, second, 0, places[1].bytes)
    expect(await mapDisk(agent, disk)).toMatchObject({ table: 'gpt', tableFromBackup: damaged })
    const volumes = await expectAgreement(`GPT${damaged ? ', from its backup' : ''}: ext4, xfs`, disk, [
      { truth: await extTruth(first), segments: [{ at: 0, ...places[0] }] },
      { truth: await xfsTruth(second), segments: [{ at: 0, ...places[1] }] },
    ])
    expect(volumes.map(({ name, kind }) => [name, kind])).toEqual([['partition 1', 'ext4'], ['partition 2', 'xfs']])
  })

  it('of LVM in a partition, a volume in two pieces the wrong way round, and room that is not given out', async () => {
    const disk = newPath()
    const [first, second] = [newPath(), newPath()]
    await makeExt(first, ext4, files)
    await makeXfs(second, xfs, files)
    const physical = { offset: mib, bytes: 1001 * mib }
    await makeSparse(disk, 1010 * mib)
    await writeMbr(disk, 1010 * mib, [physical], [])
    const { segments: [root, data], free } = await writeLvm(disk, physical, [
      { name: 'root', pieces: [{ place: 60, count: 40 }, { place: 5, count: 35 }] },
      { name: 'data', pieces: [{ place: 120, count: 100 }] },
    ])
    for (const [image, segments] of [[first, root!], [second, data!]] as const) {
      for (const { at, offset, bytes } of segments)
        await copyInto(disk, offset, image, at, bytes)
    }
    const volumes = await expectAgreement('LVM: ext4 in two pieces, xfs', disk, [
      { truth: await extTruth(first), segments: root },
      { truth: await xfsTruth(second), segments: data },
    ], free)
    expect(volumes.map(({ name, kind }) => [name, kind])).toEqual([['partition 1', 'lvm2'], ['volume vg/root', 'ext4'], ['volume vg/data', 'xfs']])
  })
})

describe(`${largeGigabytes} GB with ${largeFiles} files`, () => {
  it('is explored in little memory', async () => {
    const disk = newPath()
    const many = await makeFiles(join(folder, 'many'), largeFiles, 8192)
    await makeSparse(disk, largeGigabytes * 1e9)
    await run('mke2fs', '-q', '-F', '-t', 'ext4', '-d', many.folder, disk)
    const measure = await buildMeasure(folder)
    const { ms, rssBytes } = z.object({ ms: z.number(), rssBytes: z.number() }).parse(JSON.parse(await run(measure, agent, 'disk-map', disk)))
    const onDisk = (await stat(disk)).blocks * 512
    process.stdout.write(`\n${largeGigabytes} GB, ${largeFiles} files (${Math.round(onDisk / mib)} MiB on the disk): ${ms} ms, at most ${(rssBytes / mib).toFixed(1)} MiB\n`)
    expect(rssBytes).toBeLessThan(rssBytesMax)
    await expectAgreement(`ext4, ${largeGigabytes} GB, ${largeFiles} files`, disk, [{ truth: await extTruth(disk) }])
  })
})
