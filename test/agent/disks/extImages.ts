/** ext2, ext3 and ext4 file systems of many kinds, made, filled and aged without mounting them. */
import type { Files } from './files.ts'
import { Buffer } from 'node:buffer'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeSparse, mib, run } from './tools.ts'

export interface ExtKind {
  name: string
  mebibytes: number
  options: string[]
}

/** Group sizes are small (-g) where that makes more groups of the same kind. */
export const extKinds: ExtKind[] = [
  { name: 'ext2', mebibytes: 400, options: ['-t', 'ext2'] },
  { name: 'ext2, revision 0', mebibytes: 200, options: ['-t', 'ext2', '-r', '0', '-b', '1024'] },
  { name: 'ext3', mebibytes: 400, options: ['-t', 'ext3'] },
  { name: 'ext4', mebibytes: 1024, options: ['-t', 'ext4'] },
  { name: 'ext4, 1k blocks', mebibytes: 300, options: ['-t', 'ext4', '-b', '1024'] },
  { name: 'ext4, 2k blocks', mebibytes: 300, options: ['-t', 'ext4', '-b', '2048'] },
  { name: 'ext4, 64k blocks', mebibytes: 700, options: ['-t', 'ext4', '-b', '65536'] },
  { name: 'ext4, bigalloc 64k', mebibytes: 1024, options: ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536'] },
  { name: 'ext4, bigalloc 16k of 1k blocks', mebibytes: 400, options: ['-t', 'ext4', '-O', 'bigalloc,^resize_inode', '-b', '1024', '-C', '16384'] },
  { name: 'ext4, ^64bit', mebibytes: 400, options: ['-t', 'ext4', '-O', '^64bit'] },
  { name: 'ext4, meta_bg', mebibytes: 600, options: ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024'] },
  { name: 'ext4, meta_bg, ^flex_bg, 4k', mebibytes: 900, options: ['-t', 'ext4', '-O', 'meta_bg,^resize_inode,^flex_bg', '-g', '2048'] },
  { name: 'ext4, ^flex_bg', mebibytes: 600, options: ['-t', 'ext4', '-O', '^flex_bg', '-g', '8192'] },
  { name: 'ext4, uninit_bg, ^metadata_csum', mebibytes: 600, options: ['-t', 'ext4', '-O', 'uninit_bg,^metadata_csum', '-g', '8192'] },
  { name: 'ext4, uninit_bg, ^metadata_csum, ^64bit, ^flex_bg', mebibytes: 600, options: ['-t', 'ext4', '-O', 'uninit_bg,^metadata_csum,^64bit,^flex_bg', '-g', '8192'] },
  { name: 'ext4, sparse_super2', mebibytes: 600, options: ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode', '-g', '8192'] },
  { name: 'ext4, ^sparse_super', mebibytes: 600, options: ['-t', 'ext4', '-O', '^sparse_super,^resize_inode', '-g', '8192'] },
  { name: 'ext4, no journal', mebibytes: 300, options: ['-t', 'ext4', '-O', '^has_journal'] },
  { name: 'ext4, seed, orphan file, quota, inline', mebibytes: 300, options: ['-t', 'ext4', '-O', 'metadata_csum_seed,orphan_file,quota,project,inline_data'] },
  { name: 'ext4, inodes of 1k, flex of 4', mebibytes: 400, options: ['-t', 'ext4', '-I', '1024', '-G', '4', '-g', '4096'] },
]

/** What a line of debugfs' commands holds, and more than one descriptor block of the journal's smallest blocks does. */
const transactionBlocks = 600

export async function copySparse(from: string, to: string): Promise<void> {
  await run('cp', '--sparse=always', from, to)
}

/** Removes a third of the files, and writes copies of others into the room that this makes. */
async function age(image: string, { folder, names }: Files): Promise<void> {
  const commands = [
    ...names.filter((_, i) => i % 3 === 0).map(name => `rm /${name}`),
    ...names.filter((_, i) => i % 7 === 1).map((name, i) => `write ${join(folder, name)} /d0/again${i}`),
  ]
  await writeFile(`${image}.commands`, `${commands.join('\n')}\n`)
  await run('debugfs', '-w', '-f', `${image}.commands`, image)
}

export async function makeExt(image: string, { mebibytes, options }: ExtKind, files: Files): Promise<void> {
  await makeSparse(image, mebibytes * mib)
  await run('mke2fs', '-q', '-F', ...options, '-d', files.folder, image)
  await age(image, files)
}

/** Blocks of two images of equal size that differ, but for the superblock's: the journal sets a flag there. */
async function differingBlocks(left: string, right: string, blockBytes: number): Promise<{ numbers: number[], contents: Buffer }> {
  const numbers: number[] = []
  const contents: Buffer[] = []
  const files = await Promise.all([open(left), open(right)])
  const piece = 256 * blockBytes
  const [before, after] = [Buffer.alloc(piece), Buffer.alloc(piece)]
  const superblock = Math.floor(1024 / blockBytes)
  for (let at = 0; ; at += piece) {
    const { bytesRead } = await files[0].read(before, 0, piece, at)
    await files[1].read(after, 0, piece, at)
    for (let start = 0; start < bytesRead; start += blockBytes) {
      const block = (at + start) / blockBytes
      if (block > superblock && before.compare(after, start, start + blockBytes, start, start + blockBytes) !== 0) {
        numbers.push(block)
        contents.push(Buffer.from(after.subarray(start, start + blockBytes)))
      }
    }
    if (bytesRead < piece)
      break
  }
  await Promise.all(files.map(async file => file.close()))
  return { numbers, contents: Buffer.concat(contents) }
}

export interface Transactions {
  /** Arguments of debugfs' `journal_open`: checksums of the journal. */
  opened: string
  /** Whether the last one has its commit record. */
  committed: boolean
}

/**
 * A file system whose changes are in its journal only: it is aged in a copy, and what differs afterwards is written as
 * transactions. (Data blocks among them: as with data=journal.)
 */
export async function makeJournalled(image: string, kind: ExtKind, blockBytes: number, files: Files, { opened, committed }: Transactions): Promise<void> {
  const aged = `${image}.aged`
  await makeSparse(image, kind.mebibytes * mib)
  await run('mke2fs', '-q', '-F', ...kind.options, '-b', String(blockBytes), '-d', files.folder, image)
  await copySparse(image, aged)
  await age(aged, files)
  const { numbers, contents } = await differingBlocks(image, aged, blockBytes)
  const commands = [`journal_open ${opened}`]
  for (let first = 0; first < numbers.length; first += transactionBlocks) {
    const end = Math.min(first + transactionBlocks, numbers.length)
    const open = end === numbers.length && !committed ? '-c ' : ''
    await writeFile(`${image}.${first}`, contents.subarray(first * blockBytes, end * blockBytes))
    commands.push(`journal_write ${open}-b ${numbers.slice(first, end).join(',')} ${image}.${first}`)
  }
  await writeFile(`${image}.commands`, [...commands, 'journal_close', ''].join('\n'))
  await run('debugfs', '-w', '-f', `${image}.commands`, image)
}
