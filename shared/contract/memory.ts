/** A guest's memory, page by page. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { pageEncodingSchema, pageFates } from '../agent/messages.ts'
import { pageBytes } from '../model/pageClass.ts'
import { bytesUpTo } from './bytes.ts'
import { forOperators, forViewers, shortName } from './procedure.ts'

const maxFrames = 2 ** 26
const maxMapBytes = maxFrames * 3

/** Runs of equal class as [first frame, count, class] triples in one flat array. */
const runsSchema = z.array(z.number().int().nonnegative())

const mapMessageSchema = z.discriminatedUnion('kind', [
  /** First message: what is mapped. */
  z.object({ kind: z.literal('opened'), kernel: z.string() }),
  /**
   * All frames: bytes of runs, each a LEB128 count and a class byte (the agent's own form, resources/agent/PROTOCOL.md);
   * decode with shared/agent/mapRuns.ts. Comes first, and again after a gap.
   */
  z.object({ kind: z.literal('snapshot'), sequence: z.number(), ms: z.number(), frames: z.number().max(maxFrames), runs: bytesUpTo(maxMapBytes) }),
  /** What changed since `sequence` − 1. */
  z.object({ kind: z.literal('delta'), sequence: z.number(), ms: z.number(), changes: runsSchema }),
  /** Frames found written since they were last looked at (class is 0 and means nothing). `sweepMs`: one look at all of memory takes this long; 0: not known yet. */
  z.object({ kind: z.literal('written'), ms: z.number(), sweepMs: z.number(), runs: runsSchema }),
])
export type MapMessage = z.infer<typeof mapMessageSchema>

const pageSchema = z.object({
  frame: z.number(),
  pageClass: z.number(),
  /** What an ME2 migration would do with it now. */
  fate: z.enum(pageFates),
  /** Its size under run-length encoding. */
  rleBytes: z.number(),
  /** Its size and time by each encoder, as measured on the host; an older agent tells none. */
  encoders: z.array(pageEncodingSchema),
  /** Null: the guest has no page there. */
  content: bytesUpTo(pageBytes).nullable(),
})
export type PageView = z.infer<typeof pageSchema>

const which = { host: shortName, guest: shortName }

export const memory = {
  /** Opens the guest's map and follows it; the agent on the host ends when the consumer does. */
  watch: forViewers.input(z.object({ ...which, everyMs: z.number().int().min(100).max(10_000) })).output(eventIterator(mapMessageSchema)),
  /** One page with its contents, which are the guest's owner's: never for viewers. */
  page: forOperators.input(z.object({ ...which, frame: z.number().int().nonnegative().max(maxFrames) })).output(pageSchema),
}
