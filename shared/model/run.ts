/**
 * A run is one migration: what was migrated, where, with which settings, and what came of it. A race is a set of runs.
 * These schemas are also the format of run.json; `runSchemaVersion` goes up when a reader of the old form would be
 * wrong, and readers of old versions stay.
 */
import { z } from 'zod'
import { domainKinds, encodingUseSchema, fateCounts, hostCpuSchema, trackings } from '../agent/messages.ts'

export const runSchemaVersion = 1

/** Host clocks in ns pass 2^53 after 104 days of uptime; the rounding of a few ns is harmless, so no integer check. */
const figure = z.number().nonnegative()
const count = z.number().int().nonnegative()
const shortText = z.string().max(1024)

export const modes = ['stock', 'me2'] as const
export const encoders = ['none', 'rle', 'delta', 'lz4', 'zstd', 'auto'] as const
export const links = ['sealed', 'ssh', 'plain'] as const
export const outcomes = ['migrated', 'aborted', 'failed', 'unknown'] as const

export type Mode = typeof modes[number]
export type Encoder = typeof encoders[number]
export type Link = typeof links[number]
/**
 * `migrated`: the guest runs at the target. `aborted`: it runs at the source, as before. `failed`: both hosts answered
 * and it runs on neither, or on both. `unknown`: a host could not be asked.
 */
export type Outcome = typeof outcomes[number]

/** The same three fields as shared/errors.ts; a saved code may be of a newer version, so it is any text here. */
const problemSchema = z.object({ code: shortText, message: z.string().max(4096), action: z.string().max(4096) })
export type RunProblem = z.infer<typeof problemSchema>

const settingsSchema = z.object({
  mode: z.enum(modes),
  /** Only ME2 encodes; null in a stock run. */
  encoder: z.enum(encoders).nullable(),
  /** Of zstd; null elsewhere. */
  level: count.nullable().default(null),
  /** Pages kept at both ends, for differences and references; 0: none, as in every stock run. */
  cacheMiB: count.default(0),
  link: z.enum(links),
  /** Cap at the sending side; null: none. */
  rateMbit: z.number().positive().nullable(),
  verify: z.boolean(),
  scrub: z.boolean(),
  /** How long the guest ran undisturbed before this run. */
  settleMs: figure,
  /** The guest's disk goes along. */
  withDisk: z.boolean().default(false),
})
export type RunSettings = z.infer<typeof settingsSchema>

const hostFactsSchema = z.object({
  name: shortText,
  hostname: shortText,
  kernel: shortText,
  xen: shortText,
  xl: shortText,
  agent: shortText,
  cpuModel: shortText,
})
export type HostFacts = z.infer<typeof hostFactsSchema>

const guestFactsSchema = z.object({
  name: shortText,
  uuid: shortText,
  kind: z.enum(domainKinds),
  vcpus: count,
  memoryBytes: figure,
  /** The script that plugs each network interface; it takes its part of the downtime in both modes. */
  vifScripts: z.array(shortText).max(16),
  /** What runs in it, as the lab describes it; null where that is not known. */
  workload: z.record(shortText, z.union([shortText, z.number(), z.boolean()])).nullable(),
})
export type GuestFacts = z.infer<typeof guestFactsSchema>

const roundSchema = z.object({
  ...fateCounts,
  streamBytes: figure,
  linkBytes: figure,
  ms: figure,
  final: z.boolean(),
})
export type Round = z.infer<typeof roundSchema>

/** One that came to its end tells of its own host; over the link ssh nobody hears the target's. */
const cpuSchema = z.object({ source: hostCpuSchema.nullable(), target: hostCpuSchema.nullable() })

/** What became of the disk that went along. Blocks are of 4096 bytes. */
const diskResultSchema = z.object({
  bytes: figure,
  /** Blocks that the guest's file systems do not use, and that did not travel. */
  leftOut: count,
  /** Why none was left out; null where the disk was explored. */
  notExplored: shortText.nullable(),
  /** How its guest's writes were found in the end, and why they were not traced. Null: nobody wrote, or an older agent did not tell. */
  tracked: z.enum(trackings).nullable().default(null),
  notTraced: shortText.nullable().default(null),
  /** Blocks that travelled, again each time they were written, and what they took on the link. */
  blocks: count,
  linkBytes: figure,
  passes: count,
  /** The last pass, while the guest was suspended; null: it did not come to that. */
  final: z.object({ blocks: count, takenIn: count, ms: figure }).nullable(),
  verify: z.object({ compared: count, differing: count, inFlight: count }).nullable(),
  /** The target was told to keep its copy. */
  kept: z.boolean(),
})
export type DiskResult = z.infer<typeof diskResultSchema>

const whereSchema = z.object({ host: shortText, domain: shortText, state: shortText })
/** One domain that is, or may be, the guest, as a host reported it after the run. */
export type Whereabout = z.infer<typeof whereSchema>

const resultSchema = z.object({
  outcome: z.enum(outcomes),
  /** Why it was not simply migrated. */
  problem: problemSchema.nullable(),
  /** One sentence for a human: where the guest is and whether it runs. */
  summary: z.string().max(4096),
  endedAt: z.iso.datetime(),
  /** The guest's kernel as Memory Exploration understood it; null in stock runs and where it was not understood. */
  explored: z.object({ kernel: shortText, sections: count, ms: figure }).nullable(),
  notExplored: shortText.nullable(),
  streamBytes: figure,
  linkBytes: figure,
  totalMs: figure.nullable(),
  /** Suspend to unpaused, and its part up to the last byte of the image at the target. */
  downtimeMs: figure.nullable(),
  downtimeTransferMs: figure.nullable(),
  /** Longest silence of the guest's heartbeat, on the clock of the source and of the target. */
  heartbeatGapMs: figure.nullable(),
  heartbeatGapTargetMs: figure.nullable(),
  heartbeatsLost: count.nullable(),
  rounds: z.array(roundSchema).max(256),
  /** Null in stock runs, and where an older agent did not tell. */
  encoding: encodingUseSchema.nullable().default(null),
  /** Processor time in ms of agent and xl on each host. Null where an older agent did not tell. */
  cpuMs: cpuSchema.nullable().default(null),
  swept: z.object({ leftOut: count, resent: count }).nullable(),
  /** Null: no disk went along. */
  disk: diskResultSchema.nullable().default(null),
  /** `ioBuffers`: pages beside the differing ones that a back end or Xen itself wrote into after the guest stopped; nobody's data. */
  verify: z.object({ compared: count, differing: count, ioBuffers: count.default(0) }).nullable(),
  /** Pages that did not match in the guest's own check, by the guest's count; null without a heartbeat. */
  guestBad: count.nullable(),
  /** Pages that the guest checked after it was unpaused: what `guestBad` rests on. */
  guestCheckedAfter: count.nullable(),
  where: z.array(whereSchema).max(64),
  /** What the run left on the hosts, in words; empty is as it should be. */
  leftovers: z.array(shortText).max(64),
})
export type EncodingUse = NonNullable<z.infer<typeof resultSchema>['encoding']>
export type RunResult = z.infer<typeof resultSchema>

export const runSchema = z.object({
  schema: z.literal(runSchemaVersion),
  id: z.string().regex(/^[\w-]{1,80}$/),
  startedAt: z.iso.datetime(),
  /** Its place in a race or a sweep, whose runs share an id; null for a single migration. */
  race: z.object({ id: shortText, index: count, runs: count, kind: z.enum(['race', 'sweep']).default('race') }).nullable(),
  /** `boxed`: CPU-emulated hosts, so only ratios mean something. */
  lab: z.enum(['boxed', 'own']),
  guest: guestFactsSchema,
  from: hostFactsSchema,
  to: hostFactsSchema,
  settings: settingsSchema,
  /** Null while it runs, and for ever if the console died. */
  result: resultSchema.nullable(),
})
export type Run = z.infer<typeof runSchema>
export type FinishedRun = Run & { result: RunResult }

export function isFinished(run: Run): run is FinishedRun {
  return run.result !== null
}
