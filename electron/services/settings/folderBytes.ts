import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What the files in a folder take on disk, holes not counted. A folder that is not there takes nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(entries.filter(entry => entry.isFile()).map(async entry =>
    stat(join(entry.parentPath, entry.name)).then(({ blocks }) => blocks * 512, () => 0)))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}
