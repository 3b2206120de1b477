/** What the user chose, and what helps when something is wrong. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { policyPresets, policySchema } from '../model/autopilot/policy.ts'
import { presets } from '../model/encoding.ts'
import { labPlanSchema, usualLabPlan } from '../model/labPlan.ts'
import { fileSchema } from './file.ts'
import { forOperators, forViewers } from './procedure.ts'
import { raceRequestSchema } from './races.ts'

const raceDefaults = raceRequestSchema.pick({ repeats: true, encoder: true, level: true, cacheMiB: true, link: true, rateMbit: true, verify: true, scrub: true, settleMs: true })

const labSettings = z.object({
  /** Bring the boxed lab up when the console starts. */
  startWithConsole: z.boolean(),
  /** Of the lab that is started next; one that runs keeps its own. */
  size: labPlanSchema,
})

const autopilotSettings = z.object({
  policy: policySchema,
  /** Run on this machine as PROGRAM standby|wake HOST, for hosts of one's own; null: there is none, and they stay on. */
  powerProgram: z.string().min(1).max(4096).regex(/^\/\P{Cc}*$/u).nullable(),
})

export const settingsSchema = z.object({
  language: z.enum(['system', 'en', 'zh']).default('system'),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  race: raceDefaults.default({ repeats: 2, ...presets.best, link: 'sealed', rateMbit: 20, verify: true, scrub: true, settleMs: 5000 }),
  // Files from before the size could be chosen have none.
  lab: labSettings.extend({ size: labPlanSchema.default(usualLabPlan) }).default({ startWithConsole: true, size: usualLabPlan }),
  autopilot: autopilotSettings.default({ policy: policyPresets.balanced, powerProgram: null }),
})
export type Settings = z.infer<typeof settingsSchema>

export const settings = {
  watch: forViewers.output(eventIterator(settingsSchema)),
  /** Only the fields given change. */
  change: forOperators.input(z.object({
    language: settingsSchema.shape.language.unwrap().optional(),
    theme: settingsSchema.shape.theme.unwrap().optional(),
    race: raceDefaults.optional(),
    lab: labSettings.optional(),
    autopilot: autopilotSettings.optional(),
  })).output(z.void()),
  /** Where things are kept on this machine, and how much. */
  places: forOperators.output(z.object({ runsFolder: z.string(), runsBytes: z.number(), labFolder: z.string(), labBytes: z.number() })),
  /** Versions, settings, logs, checks; secrets, addresses and guests' contents removed. */
  diagnostics: forOperators.output(fileSchema),
}
