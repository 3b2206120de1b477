/** A race: its set-up, its pre-check, and everything that happens in it as events that fold into lanes (shared/model/lane.ts). */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { mostCacheMiB, zstdLevels } from '../model/encoding.ts'
import { encoders, links, modes, runSchema } from '../model/run.ts'
import { runEventSchema } from '../model/runEvent.ts'
import { forOperators, forViewers, problemSchema, shortName } from './procedure.ts'

export const raceRequestSchema = z.object({
  guest: shortName,
  /** Where it is, and where it goes first. */
  from: shortName,
  to: shortName,
  modes: z.array(z.enum(modes)).min(1).max(2),
  /** Runs of each mode; even numbers are fair to both directions. */
  repeats: z.number().int().min(1).max(100),
  encoder: z.enum(encoders),
  /** Of zstd; null elsewhere. */
  level: z.number().int().min(zstdLevels.least).max(zstdLevels.most).nullable().default(null),
  cacheMiB: z.number().int().min(0).max(mostCacheMiB).default(0),
  link: z.enum(links),
  /** Null: no cap. */
  rateMbit: z.number().positive().max(400_000).nullable(),
  verify: z.boolean(),
  scrub: z.boolean(),
  settleMs: z.number().int().nonnegative().max(3_600_000),
  /** The guest's local disk goes along; `overwrite`: over what lies at its path on the target. Null: it stays. */
  withDisk: z.object({ overwrite: z.boolean() }).nullable().default(null),
  /** Pass over those errors of the pre-check that may be passed over. */
  force: z.boolean(),
  /** Twins: `guest` goes stock and this one ME2, at the same time; for show. Null: paired, one after the other. */
  twin: shortName.nullable(),
})
export type RaceRequestView = z.infer<typeof raceRequestSchema>

const raceCheckSchema = z.object({
  code: z.string(),
  status: z.enum(['ok', 'warning', 'error']),
  message: z.string(),
  action: z.string(),
  forceable: z.boolean(),
})
export type RaceCheck = z.infer<typeof raceCheckSchema>

/** In order. `run` belongs to the run of that id. A replay makes the same messages from a saved run. */
export const raceMessageSchema = z.discriminatedUnion('kind', [
  /** The first of every race; whatever a listener held before is void. */
  z.object({ kind: z.literal('started'), id: z.string(), request: raceRequestSchema, lab: z.enum(['boxed', 'own']), runs: z.number() }),
  z.object({ kind: z.literal('precheck'), from: z.string(), to: z.string(), checks: z.array(raceCheckSchema) }),
  z.object({ kind: z.literal('settling'), ms: z.number() }),
  z.object({ kind: z.literal('runStarted'), run: runSchema, index: z.number(), runs: z.number() }),
  z.object({ kind: z.literal('run'), id: z.string(), event: runEventSchema }),
  z.object({ kind: z.literal('runEnded'), run: runSchema }),
  /** The last. */
  z.object({ kind: z.literal('ended'), problem: problemSchema.nullable() }),
])
export type RaceMessage = z.infer<typeof raceMessageSchema>

export const races = {
  /** May this guest go from here to there, and back? Changes nothing. */
  precheck: forOperators.input(raceRequestSchema).output(z.array(raceCheckSchema)),
  /** Returns the race's id once it is under way. `busy` while another one is. */
  start: forOperators.input(raceRequestSchema).output(z.object({ id: z.string() })),
  /** All messages of the current or last race in batches, at most 10 a second; nothing comes before the first race. */
  watch: forViewers.output(eventIterator(z.array(raceMessageSchema))),
  /** Ends the race; a run under way is undone if it still can be. `reason` says why it goes on to its end. */
  cancel: forOperators.output(z.object({ accepted: z.boolean(), reason: z.string().nullable() })),
}
