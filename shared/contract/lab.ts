/** The boxed lab as a job with phases: one of it, seen alike by everybody. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { forOperators, forViewers, problemSchema, shortName } from './procedure.ts'

export const labPhaseIds = ['tools', 'image', 'boot', 'disks', 'guests', 'agents'] as const

const labPhaseSchema = z.object({
  id: z.enum(labPhaseIds),
  state: z.enum(['waiting', 'running', 'done', 'skipped', 'failed']),
  /** What it does now, e.g. "unpacking dom0's root file system". */
  detail: z.string().max(1024),
  /** Null until it has begun; counts on while it runs (the renderer adds the time since the message). */
  elapsedMs: z.number().nonnegative().nullable(),
  /** How long it took the last time on this machine; null: never ran here. */
  usualMs: z.number().nonnegative().nullable(),
})
export type LabPhase = z.infer<typeof labPhaseSchema>

const labGuestSchema = z.object({
  name: z.string(),
  profile: z.string(),
  memoryBytes: z.number(),
  sentence: z.string(),
})

const labViewSchema = z.object({
  state: z.enum(['unknown', 'stopped', 'starting', 'running', 'stopping', 'damaged', 'failed']),
  phases: z.array(labPhaseSchema),
  images: z.array(z.object({ suite: z.string(), xen: z.string(), kernel: z.string() })),
  /** `standby`: switched off on purpose. */
  hosts: z.array(z.object({ name: z.string(), alive: z.boolean(), standby: z.boolean(), port: z.number() })),
  guests: z.array(labGuestSchema),
  /** Newest last, at most 400. */
  log: z.array(z.string()),
  problem: problemSchema.nullable(),
})
export type LabView = z.infer<typeof labViewSchema>

export const lab = {
  /** The lab now, then on every change, at most 10 a second. */
  watch: forViewers.output(eventIterator(labViewSchema)),
  /** Returns once it is under way; progress and problems come with `watch`. */
  up: forOperators.output(z.void()),
  /** Stops a start that is under way, ends the hosts. */
  down: forOperators.output(z.void()),
  /** Has a guest of the lab use so much of a processor from now on beside its own work; 0: no more. Lasts through migrations. */
  load: forOperators.input(z.object({ guest: shortName, percent: z.number().int().min(0).max(100) })).output(z.void()),
  /** Throws away what the guests' disks and hosts became; with `image` the built image as well. */
  reset: forOperators.input(z.object({ image: z.boolean() })).output(z.void()),
}
