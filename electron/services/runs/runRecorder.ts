/**
 * Writes one run to its folder while it happens: run.json (whole, replaced atomically) and events.jsonl (appended to,
 * at most a second late, so that a crash loses no more than that).
 */
import type { FileHandle } from 'node:fs/promises'
import type { FinishedRun, Run, RunResult } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from './atomicFile.ts'
import { orDiskFull } from './fileErrors.ts'

export const runFileName = 'run.json'
export const eventsFileName = 'events.jsonl'

const flushEveryMs = 1000

export class RunRecorder {
  readonly run: Run
  private readonly folder: string
  private readonly events: FileHandle
  private readonly timer: NodeJS.Timeout
  private pending: string[] = []
  private written: Promise<void> = Promise.resolve()
  private readonly onClosed: () => void

  private constructor(folder: string, run: Run, events: FileHandle, onClosed: () => void) {
    this.run = run
    this.onClosed = onClosed
    this.folder = folder
    this.events = events
    this.timer = setInterval(() => this.flush(), flushEveryMs)
    this.timer.unref()
  }

  /** Makes the folder, which must not exist yet, and the first run.json, without a result. `onClosed`: nothing is written any more. */
  static async begin(folder: string, run: Run, onClosed: () => void = () => {}): Promise<RunRecorder> {
    await mkdir(folder)
    await writeAtomically(join(folder, runFileName), JSON.stringify(run, null, 2))
    return new RunRecorder(folder, run, await open(join(folder, eventsFileName), 'a', 0o644), onClosed)
  }

  append(event: RunEvent): void {
    this.pending.push(`${JSON.stringify(event)}\n`)
  }

  /** Failures to write surface in finish(): a full disk must not stop a migration under way. */
  private flush(): void {
    const text = this.pending.join('')
    this.pending = []
    if (text === '')
      return
    this.written = this.written.then(async () => {
      await this.events.appendFile(text)
    })
    this.written.catch(() => {})
  }

  /** Writes what is pending and the result. Throws the first error met while writing, now or before (`disk-full`). */
  async finish(result: RunResult): Promise<FinishedRun> {
    const finished = { ...this.run, result }
    clearInterval(this.timer)
    this.flush()
    try {
      await this.written.finally(async () => this.events.close())
      await writeAtomically(join(this.folder, runFileName), JSON.stringify(finished, null, 2))
    }
    catch (error) {
      throw orDiskFull(error, `the run in ${this.folder} is not saved whole`)
    }
    finally {
      this.onClosed()
    }
    return finished
  }
}
