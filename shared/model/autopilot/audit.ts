/**
 * What the autopilot saw, decided and did, one entry an event. These schemas are the format of the audit log on disk (one JSON object
 * a line) and of what screens and command line show.
 */
import type { HeatEvidence } from './hotSpots.ts'
import type { Plan } from './planner.ts'
import { z } from 'zod'
import { hostHeats } from './hotSpots.ts'
import { scenarios } from './planner.ts'
import { policySchema } from './policy.ts'
import { obstacles } from './rules.ts'

export const autopilotModes = ['advise', 'ask', 'auto'] as const
export type AutopilotMode = typeof autopilotModes[number]

const name = z.string().max(256)
const figure = z.number()

const costSchema = z.object({ bytes: figure, ms: figure, downtimeMs: figure })
const moveSchema = z.object({ guest: name, from: name, to: name, cost: costSchema, gainShare: figure })

export const stepSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('move'), move: moveSchema }),
  z.object({ kind: z.literal('standby'), host: name }),
  z.object({ kind: z.literal('wake'), host: name }),
])

export const planSchema = z.object({
  scenario: z.enum(scenarios),
  host: name.nullable(),
  steps: z.array(stepSchema).max(1000),
  rejected: z.array(z.object({ guest: name, to: name.nullable(), why: z.enum(obstacles) })).max(1000),
}) satisfies z.ZodType<Plan>

export const evidenceSchema = z.object({
  heat: z.enum(hostHeats),
  load: figure.nullable(),
  mean: figure.nullable(),
  forecast: figure.nullable(),
  above: figure,
  heard: figure,
}) satisfies z.ZodType<HeatEvidence>

const problemSchema = z.object({ code: z.string().max(1024), message: z.string().max(8192), action: z.string().max(8192) })

const happenings = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), mode: z.enum(autopilotModes), dryRun: z.boolean(), hosts: z.array(name).max(100), policy: policySchema }),
  /** A plan other than the one before; `acted`: it is carried out, and not only shown. */
  z.object({ kind: z.literal('decided'), plan: planSchema, acted: z.boolean(), evidence: z.record(name, evidenceSchema) }),
  z.object({ kind: z.literal('moving'), move: moveSchema }),
  /** `run`: its entry in Runs; null: the pre-check refused it. `cost` of a migration that took place, to be held against the predicted one. */
  z.object({ kind: z.literal('moved'), move: moveSchema, outcome: z.enum(['migrated', 'refused', 'aborted', 'failed', 'unknown']), run: z.string().max(128).nullable(), cost: costSchema.nullable(), summary: z.string().max(8192) }),
  /** What was left of a plan was given up because a host has become too busy since. */
  z.object({ kind: z.literal('overtaken'), steps: z.array(stepSchema).max(1000) }),
  z.object({ kind: z.literal('switching'), host: name, to: z.enum(['standby', 'on']) }),
  z.object({ kind: z.literal('switched'), host: name, to: z.enum(['standby', 'on']), ms: figure }),
  z.object({ kind: z.literal('approved'), plan: planSchema }),
  z.object({ kind: z.literal('dismissed'), plan: planSchema }),
  /** Null: somebody stopped it. Otherwise it did so itself. */
  z.object({ kind: z.literal('stopped'), problem: problemSchema.nullable() }),
])
export type Happening = z.infer<typeof happenings>

export const auditEntrySchema = z.intersection(z.object({ at: z.iso.datetime() }), happenings)
export type AuditEntry = z.infer<typeof auditEntrySchema>
