/** Which bytes of a file system are free by its own tools: dumpe2fs, xfs_db. */
import { run, runAnyway } from './tools.ts'

/** [start, end) in bytes of the file system, ascending; neighbours are joined. */
export type Range = readonly [start: number, end: number]

export interface FileSystemTruth {
  bytes: number
  free: Range[]
}

function join(ranges: Range[]): Range[] {
  const joined: [number, number][] = []
  for (const [start, end] of ranges.sort((left, right) => left[0] - right[0])) {
    const last = joined.at(-1)
    if (last && last[1] === start)
      last[1] = end
    else
      joined.push([start, end])
  }
  return joined
}

function numberAfter(text: string, label: string): number {
  const found = new RegExp(`^${label}:?\\s+(\\d+)`, 'm').exec(text)
  if (!found)
    throw new Error(`no ${label}`)
  return Number(found[1])
}

export async function extTruth(image: string): Promise<FileSystemTruth> {
  const text = await run('dumpe2fs', image)
  const blockBytes = numberAfter(text, 'Block size')
  // With bigalloc, dumpe2fs names the first block of each cluster, of a run's last one too.
  const clusterBytes = text.includes('\nCluster size:') ? numberAfter(text, 'Cluster size') : blockBytes
  const bytes = numberAfter(text, 'Block count') * blockBytes
  const free: Range[] = []
  for (const [, list] of text.matchAll(/^ {2}Free blocks: (.+)$/gm)) {
    for (const run of list!.split(', ')) {
      const [first, last = first] = run.split('-').map(Number)
      free.push([first! * blockBytes, Math.min(last! * blockBytes + clusterBytes, bytes)])
    }
  }
  return { bytes, free: join(free) }
}

/** The file system as it is once its journal has been replayed, which this does to the image. */
export async function replayedExtTruth(image: string): Promise<FileSystemTruth> {
  await runAnyway('e2fsck', '-y', '-E', 'journal_only', image)
  return extTruth(image)
}

/** xfs_db counts the blocks kept for the trees' growth as free; the agent does not. */
export async function xfsTruth(image: string): Promise<FileSystemTruth> {
  const fields = await run('xfs_db', '-r', '-c', 'sb 0', '-c', 'print blocksize dblocks agblocks', image)
  const [blockBytes, blocks, groupBlocks] = [...fields.matchAll(/= (\d+)/g)].map(found => Number(found[1])) as [number, number, number]
  const free: Range[] = []
  for (const line of (await run('xfs_db', '-r', '-c', 'freesp -d', image)).split('\n')) {
    const found = /^\s+(\d+)\s+(\d+)\s+(\d+)$/.exec(line)
    if (!found)
      continue
    const [group, first, count] = found.slice(1).map(Number) as [number, number, number]
    const start = (group * groupBlocks + first) * blockBytes
    free.push([start, start + count * blockBytes])
  }
  return { bytes: blocks * blockBytes, free: join(free) }
}
