/** Runs that were removed: aside for a day, in case it was a mistake, then gone. A name that begins with a dot is no run's. */
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'
import { hasCode } from './fileErrors.ts'

const keptMs = 24 * 60 * 60 * 1000
const name = '.trash'

export interface Trash {
  /** Throws `run-not-found`. Another removed run of the same id goes for good. */
  put: (id: string) => Promise<void>
  /** Throws `run-not-found`; `usage` where there is a run of that id by now. */
  takeBack: (id: string) => Promise<void>
  /** An empty folder to build something in that is renamed when it is whole; what is left behind is thrown away like a run. */
  workspace: (id: string) => Promise<string>
  /** Throws away what has been there for a day. */
  empty: () => Promise<void>
}

/** `runsFolder`: of which it is a part, so that putting aside is one rename. */
export function createTrash(runsFolder: string): Trash {
  const folder = join(runsFolder, name)

  async function move(id: string, from: string, to: string): Promise<void> {
    try {
      await rename(join(from, id), join(to, id))
    }
    catch (error) {
      if (hasCode(error, 'ENOENT'))
        throw new Me2Error('run-not-found', `There is no run ${id}.`, 'It may have been removed in another window.', { cause: error })
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST'))
        throw new Me2Error('usage', `There is a run ${id} already.`, 'Remove it first.', { cause: error })
      throw error
    }
  }

  return {
    put: async (id) => {
      await mkdir(folder, { recursive: true })
      const now = new Date()
      // Its day begins now; before it is moved, so that no start of a console in between finds it old.
      await utimes(join(runsFolder, id), now, now).catch(() => {})
      if (await stat(join(runsFolder, id)).then(() => true, () => false))
        await rm(join(folder, id), { recursive: true, force: true })
      await move(id, runsFolder, folder)
    },
    takeBack: async id => move(id, folder, runsFolder),
    workspace: async (id) => {
      const path = join(folder, `${id}.new`)
      await rm(path, { recursive: true, force: true })
      await mkdir(path, { recursive: true })
      return path
    },
    empty: async () => {
      for (const entry of await readdir(folder).catch(() => [])) {
        const { mtimeMs } = await stat(join(folder, entry))
        if (Date.now() - mtimeMs > keptMs)
          await rm(join(folder, entry), { recursive: true, force: true })
      }
    },
  }
}
