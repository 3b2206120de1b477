/** The runs that came with the console: .me2run files in one folder, which never changes while the console runs. */
import type { Problem } from '../../../shared/errors.ts'
import type { Run } from '../../../shared/model/run.ts'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'
import { readRunHead } from './runFile.ts'

export type Recording = { id: string, path: string, run: Run } | { id: string, path: string, problem: Problem }

const suffix = '.me2run'

/** One that cannot be read is known by its file's name. */
async function readRecording(path: string): Promise<Recording> {
  try {
    const run = await readRunHead(path)
    return { id: run.id, path, run }
  }
  catch (error) {
    if (!(error instanceof Me2Error))
      throw error
    return { id: basename(path, suffix).replaceAll(/[^\w-]/g, '_').slice(0, 80), path, problem: error.toProblem() }
  }
}

/** By id. A folder that is not there has none. */
export async function readRecordings(folder: string): Promise<ReadonlyMap<string, Recording>> {
  const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith(suffix)).sort()
  const recordings = await Promise.all(names.map(async name => readRecording(join(folder, name))))
  return new Map(recordings.map(recording => [recording.id, recording]))
}
