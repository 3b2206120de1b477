/** How the autopilot decides: thresholds, patience, and the rules that no plan may break. */
import { z } from 'zod'

const share = z.number().min(0).max(1)
const name = z.string().min(1).max(256)
const names = z.array(name).max(1000)
const seconds = z.number().min(0).max(86_400)

export const policySchema = z.object({
  /** A host with more of its processors busy is too busy; one with less has room to spare. */
  hotShare: share.default(0.75),
  coldShare: share.default(0.3),
  /** A host is hot when `hotOf` of its last `lastOf` samples and the forecast are above the threshold. */
  hotOf: z.number().int().min(1).max(60).default(3),
  lastOf: z.number().int().min(1).max(60).default(5),
  /** A hot host stays hot until it is so far below the threshold; none may come nearer to it by a move. */
  marginShare: share.default(0.05),
  /** Samples before anything is decided. */
  warmUp: z.number().int().min(1).max(720).default(12),
  /** By how much the busier of two hosts must get better for a move to be worth it. */
  leastGainShare: share.default(0.08),
  /** Left free on every host. */
  spareMiB: z.number().int().min(0).max(1_048_576).default(64),
  /** A guest that has moved stays where it is for so long. */
  coolDownS: seconds.default(600),
  /** Migrations at once; a host takes part in one at the most. */
  movesAtOnce: z.number().int().min(1).max(16).default(2),
  /** Hosts are emptied and put to standby. */
  savesPower: z.boolean().default(false),
  /** To be emptied, a host's guests must have fitted on the others, no busier than this, for so long. */
  packedShare: share.default(0.6),
  packsAfterS: seconds.default(900),
  /** Never moved; never moved off its host is the same as pinned there. */
  excluded: names.default([]),
  /** Guest by guest: the only host it may be on. */
  pinned: z.record(name, name).default({}),
  keptTogether: z.array(names).max(100).default([]),
  keptApart: z.array(names).max(100).default([]),
  /** Hosts that get no guests. */
  maintenance: names.default([]),
}).refine(({ hotOf, lastOf }) => hotOf <= lastOf, { path: ['hotOf'], message: 'more samples above the threshold than are looked at' })
export type Policy = z.infer<typeof policySchema>

export const policyPresets = {
  performance: policySchema.parse({ hotShare: 0.65, leastGainShare: 0.05 }),
  balanced: policySchema.parse({}),
  powerSaving: policySchema.parse({ savesPower: true, packedShare: 0.65, packsAfterS: 600 }),
} as const

export type PolicyPreset = keyof typeof policyPresets
export const policyPresetNames = Object.keys(policyPresets) as PolicyPreset[]

export const samplePeriodMs = 5000
