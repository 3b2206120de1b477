/** The autopilot: what it sees, what it would do and does, and who lets it. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { auditEntrySchema, autopilotModes, evidenceSchema, planSchema, stepSchema } from '../model/autopilot/audit.ts'
import { hostPowers } from '../model/autopilot/cluster.ts'
import { obstacles } from '../model/autopilot/rules.ts'
import { fileSchema } from './file.ts'
import { forOperators, forViewers, problemSchema, shortName } from './procedure.ts'

const guestSchema = z.object({
  name: z.string(),
  /** Processors that it uses, mean over the last samples. */
  cores: z.number(),
  memoryMiB: z.number(),
  /** In use, as explored; null: not explored. */
  usedMiB: z.number().nullable(),
  dirtyMiBPerSecond: z.number().nullable(),
  /** Why it may not be moved now; null: it may. */
  held: z.enum(obstacles).nullable(),
  /** What the pre-check said when it was to be moved, or why it was not explored; null: nothing is wrong. */
  note: z.string().nullable(),
})

const hostSchema = z.object({
  name: z.string(),
  power: z.enum(hostPowers),
  /** Null: not heard of yet. */
  evidence: evidenceSchema.nullable(),
  cpus: z.number(),
  /** That guests can have, and of it free. */
  memoryMiB: z.number(),
  freeMiB: z.number(),
  dom0Cores: z.number(),
  /** Of its network cards; null: not heard. */
  network: z.object({ receivedBytesPerSecond: z.number(), sentBytesPerSecond: z.number() }).nullable(),
  /** It takes part in a migration. */
  busy: z.boolean(),
  /** Why it is not heard; null: it is. */
  problem: problemSchema.nullable(),
  guests: z.array(guestSchema),
  /** Share of its processors that was busy, a number every 5 s, the newest last; null: a sample was lost. */
  loads: z.array(z.number().nullable()),
})
export type AutopilotHostView = z.infer<typeof hostSchema>

const underWaySchema = z.object({
  step: stepSchema,
  elapsedMs: z.number(),
  /** Of a move, see shared/model/runEvent.ts; null before it has begun to move. */
  phase: z.string().nullable(),
  linkBytes: z.number(),
})

export const autopilotViewSchema = z.object({
  /** `stopping`: what can no longer be stopped comes to its end. */
  state: z.enum(['off', 'starting', 'watching', 'stopping']),
  mode: z.enum(autopilotModes),
  /** Says what it would do in its mode, and does not do it. */
  dryRun: z.boolean(),
  /** Why it is off, where it stopped by itself. */
  problem: problemSchema.nullable(),
  lab: z.enum(['boxed', 'own']).nullable(),
  hosts: z.array(hostSchema),
  /** Names that guests on two hosts have: it leaves them alone, for it cannot tell them apart. */
  doubled: z.array(z.string()),
  /** Samples until it decides; 0: it does. */
  warmUp: z.number(),
  /** For so long all guests would have fitted on one host fewer; null: they do not. */
  packsForMs: z.number().nullable(),
  /** What it would do now, or has just begun; null before the first look. */
  plan: planSchema.nullable(),
  /** To be approved or dismissed, in the mode `ask`; null: nothing is asked. */
  proposal: z.string().nullable(),
  underWay: z.array(underWaySchema),
  /** Of a plan that has several steps: what comes after what is under way. */
  queue: z.array(stepSchema),
  /** What predictions rest on. */
  link: z.object({ mbit: z.number(), encodedShare: z.number(), fixedDowntimeMs: z.number() }),
  /** The newest last. */
  log: z.array(auditEntrySchema),
})
export type AutopilotView = z.infer<typeof autopilotViewSchema>

const proposal = z.object({ id: z.string().max(64) })

export const autopilot = {
  watch: forViewers.output(eventIterator(autopilotViewSchema)),
  /** Policy and power program are in the settings. While a race runs it only looks. Throws `busy` where it is on, or another console's autopilot has a host. */
  start: forOperators.input(z.object({ hosts: z.array(shortName).min(2).max(100), mode: z.enum(autopilotModes), dryRun: z.boolean() })).output(z.void()),
  /** Cancels what can still be cancelled. */
  stop: forOperators.output(z.void()),
  /** Throws `overtaken` if that is no longer what it would do. */
  approve: forOperators.input(proposal).output(z.void()),
  dismiss: forOperators.input(proposal).output(z.void()),
  /** The whole audit log, one JSON object a line. */
  auditLog: forOperators.output(fileSchema),
}
