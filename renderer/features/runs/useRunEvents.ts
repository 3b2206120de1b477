/** Reads runs' events for one screen, each run once. */
import type { Run } from '../../../shared/model/run.ts'
import { call } from '../../app/connection.ts'
import { RunReplay } from './replay.ts'

export type LoadRun = (run: Run) => Promise<RunReplay>

/** A run that has no result may go on: it is read anew each time. */
export function useRunEvents(): LoadRun {
  const loaded = new Map<string, Promise<RunReplay>>()

  async function read(run: Run): Promise<RunReplay> {
    const batches = await Array.fromAsync(await call(async client => client.runs.events({ id: run.id })))
    return new RunReplay(run, batches.flat())
  }
  return async (run) => {
    const known = loaded.get(run.id)
    if (known && run.result)
      return known
    const reading = read(run)
    loaded.set(run.id, reading)
    reading.catch(() => loaded.delete(run.id))
    return reading
  }
}
