/** XFS file systems, made and filled without mounting them. (They cannot be aged that way.) */
import type { Files } from './files.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeSparse, mib, run } from './tools.ts'

export interface XfsKind {
  name: string
  mebibytes: number
  options: string[]
}

export const xfsKinds: XfsKind[] = [
  { name: 'xfs v5', mebibytes: 400, options: [] },
  { name: 'xfs v5, 1k blocks', mebibytes: 2048, options: ['-b', 'size=1024'] },
  { name: 'xfs v5, 2 groups', mebibytes: 400, options: ['-d', 'agcount=2'] },
  { name: 'xfs v5, 16 groups', mebibytes: 2048, options: ['-d', 'agcount=16'] },
  { name: 'xfs v5, 7 groups, a short last one', mebibytes: 1000, options: ['-d', 'agsize=144m'] },
  { name: 'xfs v5, 4k sectors, reverse map, stripes', mebibytes: 1024, options: ['-s', 'size=4096', '-m', 'rmapbt=1', '-d', 'su=64k,sw=4', '-l', 'su=32k'] },
  { name: 'xfs v4', mebibytes: 400, options: ['-m', 'crc=0'] },
  { name: 'xfs v4, 1k blocks, 8 groups', mebibytes: 2048, options: ['-m', 'crc=0', '-b', 'size=1024', '-d', 'agcount=8'] },
]

/** xfs_protofile(8): a folder's entries up to a `$`. */
function prototype({ folder, names }: Files): string {
  const groups = Map.groupBy(names, name => name.split('/')[0]!)
  const lines = [...groups].flatMap(([group, members]) => [
    `${group} d--755 0 0`,
    ...members.map(name => `${name.split('/')[1]!} ---644 0 0 ${join(folder, name)}`),
    '$',
  ])
  return ['/boot', '0 0', 'd--755 0 0', ...lines, '$', ''].join('\n')
}

export async function makeXfs(image: string, { mebibytes, options }: XfsKind, files: Files): Promise<void> {
  await writeFile(`${image}.proto`, prototype(files))
  await makeSparse(image, mebibytes * mib)
  await run('mkfs.xfs', '-q', '-f', ...options, '-p', `${image}.proto`, image)
}
