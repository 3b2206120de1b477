/** Saved runs: one's own, and the recordings that came with the console (read-only). */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { runSchema } from '../model/run.ts'
import { runEventSchema } from '../model/runEvent.ts'
import { bytesUpTo } from './bytes.ts'
import { fileSchema, maxFileBytes } from './file.ts'
import { forOperators, forViewers, problemSchema } from './procedure.ts'

const runId = z.string().regex(/^[\w-]{1,80}$/)
const runIds = z.array(runId).min(1).max(200)

const listedSchema = z.object({
  id: runId,
  /** `recording`: came with the console; it can be read and nothing else. */
  source: z.enum(['own', 'recording']),
  /** The user's; empty: none. */
  title: z.string(),
  note: z.string(),
  /** Null where it cannot be read: then `problem` says why. A run without a result is under way, or its console died. */
  run: runSchema.nullable(),
  problem: problemSchema.nullable(),
})
export type ListedRun = z.infer<typeof listedSchema>

export const exportFormats = ['me2run', 'csv', 'html', 'json'] as const
export type ExportFormat = typeof exportFormats[number]

export const runs = {
  /** All runs, newest first, then again on every change. */
  watch: forViewers.output(eventIterator(z.array(listedSchema))),
  get: forViewers.input(z.object({ id: runId })).output(listedSchema),
  /** A run's events, oldest first, in batches. */
  events: forViewers.input(z.object({ id: runId })).output(eventIterator(z.array(runEventSchema))),
  describe: forOperators.input(z.object({ id: runId, title: z.string().max(200), note: z.string().max(10_000) })).output(z.void()),
  /** Puts runs aside; `restore` brings them back until the console ends or a day has passed. */
  remove: forOperators.input(z.object({ ids: runIds })).output(z.void()),
  restore: forOperators.input(z.object({ ids: runIds })).output(z.void()),
  /** One file of the runs: `me2run` takes exactly one run; `csv`, `html` and `json` several. */
  export: forViewers.input(z.object({ ids: runIds, format: z.enum(exportFormats), language: z.enum(['en', 'zh']) })).output(fileSchema),
  /** Returns the new run's id. Throws `run-corrupt`. */
  import: forOperators.input(z.object({ bytes: bytesUpTo(maxFileBytes) })).output(z.object({ id: runId })),
}
