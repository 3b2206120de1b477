/**
 * What the agent says: one JSON object a line, `t` names its kind. The protocol is described in
 * resources/agent/PROTOCOL.md; this file is its only schema on the console's side.
 *
 * A host is not trusted, so every string and list is bounded. Fields that are not named here are dropped.
 * Every `ns` is CLOCK_MONOTONIC nanoseconds of the host that speaks; it passes 2^53 after 104 days of uptime,
 * where a number is still exact to 2 ns, so it is not checked to be a safe integer.
 */
import { z } from 'zod'

/** The protocol number this console understands. */
export const agentProtocol = 1

const nanoseconds = z.number().nonnegative()
const milliseconds = z.number().nonnegative()
const count = z.int().nonnegative()
const bytes = count
const name = z.string().max(256)
const sentence = z.string().max(1024)
const line = z.string().max(4096)

export const domainKinds = ['pv', 'pvh', 'hvm'] as const
export const domainStates = ['running', 'blocked', 'paused', 'suspended', 'shutdown', 'crashed', 'dying'] as const

const domainSchema = z.object({
  domid: count,
  name,
  uuid: z.string().max(64),
  kind: z.enum(domainKinds),
  state: z.enum(domainStates),
  memoryBytes: bytes,
  /** Not an integer that can be relied on: Xen means "no limit" by very large ones. */
  maxMemoryBytes: z.number().nonnegative(),
  vcpus: count,
  cpuNs: nanoseconds,
})
export type Domain = z.infer<typeof domainSchema>

const domainList = z.array(domainSchema).max(1024)

const errorSchema = z.object({
  t: z.literal('error'),
  code: name,
  message: sentence,
  action: sentence,
})
export type ErrorMessage = z.infer<typeof errorSchema>

const versionSchema = z.object({
  t: z.literal('version'),
  protocol: count,
  format: count,
  agent: name,
})
export type VersionMessage = z.infer<typeof versionSchema>

const probeProblemSchema = z.object({
  code: name,
  severity: z.enum(['error', 'warning']),
  message: sentence,
  action: sentence,
})
export type ProbeProblem = z.infer<typeof probeProblemSchema>

const networkLinkSchema = z.object({
  name,
  address: z.string().max(64),
  prefix: z.int().min(0).max(128),
  speedMbit: z.number().nonnegative().nullable(),
  mtu: count,
})
export type NetworkLink = z.infer<typeof networkLinkSchema>

const probeSchema = z.object({
  t: z.literal('probe'),
  protocol: count,
  hostname: name,
  kernel: name,
  root: z.boolean(),
  xen: z.object({
    major: count,
    minor: count,
    extra: name,
    capabilities: sentence,
    hvm: z.boolean(),
    pv: z.boolean(),
    shadow: z.boolean(),
    hap: z.boolean(),
  }).nullable(),
  domctlVersion: count.nullable(),
  xl: z.object({ path: sentence, version: name }).nullable(),
  cpus: count,
  totalBytes: bytes,
  freeBytes: bytes,
  dom0Bytes: bytes,
  cpuModel: name,
  cpuFeatures: z.array(z.string().max(64)).max(1024),
  agentDirFreeBytes: bytes,
  logDirty: z.object({ hvm: z.boolean(), pv: z.boolean() }),
  links: z.array(networkLinkSchema).max(256),
  problems: z.array(probeProblemSchema).max(64),
})
export type ProbeMessage = z.infer<typeof probeSchema>

const domainsSchema = z.object({ t: z.literal('domains'), domains: domainList })
export type DomainsMessage = z.infer<typeof domainsSchema>

const loadSchema = z.object({
  t: z.literal('load'),
  ns: nanoseconds,
  cpuBusyNs: nanoseconds,
  cpus: count,
  freeBytes: bytes,
  totalBytes: bytes,
  netRxBytes: bytes,
  netTxBytes: bytes,
  domains: z.array(z.object({ domid: count, name, cpuNs: nanoseconds, memoryBytes: bytes })).max(1024),
})
export type LoadMessage = z.infer<typeof loadSchema>

/** This host is this autopilot's. */
const heldSchema = z.object({ t: z.literal('held') })

const listeningSchema = z.object({
  t: z.literal('listening'),
  address: z.string().max(64),
  port: z.int().min(0).max(65535),
})
export type ListeningMessage = z.infer<typeof listeningSchema>

const connectedSchema = z.object({ t: z.literal('connected'), from: name })
export type ConnectedMessage = z.infer<typeof connectedSchema>

const xlSchema = z.object({ t: z.literal('xl'), line })
export type XlMessage = z.infer<typeof xlSchema>

const receivedSchema = z.object({ t: z.literal('received'), ns: nanoseconds, linkBytes: bytes, streamBytes: bytes })
export type ReceivedMessage = z.infer<typeof receivedSchema>

const goAheadSchema = z.object({ t: z.literal('goAhead'), ns: nanoseconds })
export type GoAheadMessage = z.infer<typeof goAheadSchema>

/** Processor time spent on the host that speaks: by the agent, and by xl and what it started. */
export const hostCpuSchema = z.object({ agent: milliseconds, xl: milliseconds })

/** The last line of `receive`. Told from the last line of `migrate` by the absence of `here`. */
const receiveDoneSchema = z.object({
  t: z.literal('done'),
  outcome: z.enum(['running', 'destroyed', 'failed']),
  xlExit: z.int().nullable(),
  linkBytes: bytes,
  streamBytes: bytes,
  /** Null: an agent of before format 2. */
  cpuMs: hostCpuSchema.nullable().default(null),
  here: z.undefined().optional(),
})
export type ReceiveDoneMessage = z.infer<typeof receiveDoneSchema>

const startSchema = z.object({
  t: z.literal('start'),
  ns: nanoseconds,
  domid: count,
  name,
  mode: z.enum(['stock', 'me2']),
  /** Null in stock mode. */
  encoder: z.string().max(32).nullable(),
  /** Of zstd; null elsewhere. */
  level: z.int().nullable().default(null),
  /** Pages kept at both ends; null in stock mode. */
  cacheMib: count.nullable().default(null),
  link: z.enum(['sealed', 'plain', 'ssh', 'stdio']),
  rateMbit: z.number().positive().nullable(),
  explored: z.object({ kernel: name, sections: count, ms: milliseconds }).nullable(),
  notExplored: sentence.nullable(),
})
export type StartMessage = z.infer<typeof startSchema>

/**
 * Totals by fate. `pages` = leftOut + constant + encoded + raw + delta + reference. `encoded`: by run lengths, or packed by lz4
 * or zstd. `delta`: as the difference from the page as last sent. `reference`: as the place of an equal page sent before.
 */
export const fateCounts = {
  pages: count,
  leftOut: count,
  constant: count,
  encoded: count,
  raw: count,
  /** These two came with format 2. */
  delta: count.default(0),
  reference: count.default(0),
}

const progressSchema = z.object({
  t: z.literal('progress'),
  ns: nanoseconds,
  phase: z.enum(['precopy', 'final', 'handshake', 'verify']),
  round: count,
  streamBytes: bytes,
  linkBytes: bytes,
  ...fateCounts,
  lastRoundPages: count,
})
export type ProgressMessage = z.infer<typeof progressSchema>

const roundSchema = z.object({
  t: z.literal('round'),
  round: count,
  ...fateCounts,
  streamBytes: bytes,
  linkBytes: bytes,
  ms: milliseconds,
  final: z.boolean(),
})
export type RoundMessage = z.infer<typeof roundSchema>

const suspendedSchema = z.object({ t: z.literal('suspended'), ns: nanoseconds })
export type SuspendedMessage = z.infer<typeof suspendedSchema>

const sweptSchema = z.object({ t: z.literal('swept'), leftOut: count, resent: count })
export type SweptMessage = z.infer<typeof sweptSchema>

const imageReceivedSchema = z.object({ t: z.literal('imageReceived'), ns: nanoseconds })
export type ImageReceivedMessage = z.infer<typeof imageReceivedSchema>

const readySchema = z.object({ t: z.literal('ready'), ns: nanoseconds })
export type ReadyMessage = z.infer<typeof readySchema>

const unpausedSchema = z.object({ t: z.literal('unpaused'), ns: nanoseconds, status: z.int() })
export type UnpausedMessage = z.infer<typeof unpausedSchema>

const verifySchema = z.object({
  t: z.literal('verify'),
  compared: count,
  differing: count,
  /** Differ, but were written while the guest was suspended, by a back end or by Xen itself. */
  ioBuffers: count.default(0),
  /** Of a PV guest: they hold machine frames, each host's own, and are not compared. */
  pageTables: count.default(0),
  skipped: count,
  frames: z.array(count).max(1024),
})
export type VerifyMessage = z.infer<typeof verifySchema>

const batchEncoders = ['raw', 'rle', 'lz4', 'zstd'] as const

/** Which encoder took how many pages, and how often the cache of sent pages helped. */
export const encodingUseSchema = z.object({
  by: z.array(z.object({
    encoder: z.enum(batchEncoders),
    /** 0 where there is none. */
    level: count,
    pages: count,
    bytes,
    cpuMs: milliseconds,
  })).max(64),
  /** `pages`: room for so many. `lookups`: pages sent again; `hits`: of them, those whose earlier content was kept. Null: no cache. */
  cache: z.object({ pages: count, lookups: count, hits: count }).nullable(),
})

/** Once before `done`, ME2 only. */
const encodingSchema = encodingUseSchema.extend({ t: z.literal('encoding') })
export type EncodingMessage = z.infer<typeof encodingSchema>

/** How a guest's writes are found. `hash`: nothing traces them, so the disk is read again; the last time while the guest is paused. */
export const trackings = ['trace', 'hash'] as const

const diskTracking = {
  /** Null: nobody writes to the disk, or an older agent did not tell. */
  tracked: z.enum(trackings).nullable().default(null),
  /** Why they are not traced; null where they are. */
  notTraced: sentence.nullable().default(null),
}

/** What is to be copied of a disk, and what stays. */
const diskStartSchema = z.object({
  t: z.literal('diskStart'),
  ns: nanoseconds,
  bytes,
  blocks: count,
  leftOut: count,
  ...diskTracking,
  /** Why nothing is left out; null where the disk was explored. */
  notExplored: sentence.nullable(),
  ms: milliseconds,
})
export type DiskStartMessage = z.infer<typeof diskStartSchema>

/** The kernel lost track of writes: the disk is compared with what was sent, and nothing is left out any more. */
const diskTrackingSchema = z.object({ t: z.literal('diskTracking'), ns: nanoseconds, ...diskTracking, losses: count })
export type DiskTrackingMessage = z.infer<typeof diskTrackingSchema>

/** Blocks that were sent, by how they travelled; all but the first add up to it. */
const diskCounts = { blocks: count, constant: count, encoded: count, raw: count, delta: count, reference: count, linkBytes: bytes }

const diskPhases = ['prepare', 'copy', 'compare', 'final', 'verify'] as const

const diskSchema = z.object({
  t: z.literal('disk'),
  ns: nanoseconds,
  phase: z.enum(diskPhases),
  pass: count,
  /** Blocks of this pass, or of the comparison with what was sent. */
  done: count,
  planned: count,
  pending: count,
  ...diskCounts,
})
export type DiskMessage = z.infer<typeof diskSchema>

const diskPassSchema = z.object({ t: z.literal('diskPass'), pass: count, blocks: count, linkBytes: bytes, ms: milliseconds })
export type DiskPassMessage = z.infer<typeof diskPassSchema>

const diskFinalSchema = z.object({ t: z.literal('diskFinal'), ns: nanoseconds, blocks: count, takenIn: count, leftOut: count, ms: milliseconds })
export type DiskFinalMessage = z.infer<typeof diskFinalSchema>

const diskVerifySchema = z.object({ t: z.literal('diskVerify'), compared: count, differing: count, inFlight: count, leftOut: count })
export type DiskVerifyMessage = z.infer<typeof diskVerifySchema>

/** The last line of a disk at its source. */
const diskDoneSchema = z.object({
  t: z.literal('diskDone'),
  /** The target was told that its copy is complete. */
  kept: z.boolean(),
  bytes,
  leftOut: count,
  passes: count,
  ...diskCounts,
  cpuMs: milliseconds,
})
export type DiskDoneMessage = z.infer<typeof diskDoneSchema>

/** At the target: the copy is complete and on stable storage. */
const diskKeptSchema = z.object({ t: z.literal('diskKept'), ns: nanoseconds, blocks: count })

/** The last line of `disk-receive`: what became of the copy there. */
const diskReceiveDoneSchema = z.object({
  t: z.literal('done'),
  outcome: z.enum(['kept', 'removed', 'incomplete']),
  blocks: count,
  linkBytes: bytes,
  cpuMs: hostCpuSchema,
  here: z.undefined().optional(),
})
export type DiskReceiveDoneMessage = z.infer<typeof diskReceiveDoneSchema>

/** The last line of `migrate`. `here` lists what the source holds under the guest's name afterwards. */
const migrateDoneSchema = z.object({
  t: z.literal('done'),
  outcome: z.enum(['migrated', 'aborted', 'failed', 'unknown']),
  reason: name.nullable(),
  message: sentence.nullish(),
  xlExit: z.int().nullable(),
  streamBytes: bytes,
  linkBytes: bytes,
  totalMs: milliseconds,
  downtimeMs: milliseconds.nullable(),
  downtimeTransferMs: milliseconds.nullable(),
  /** Null: an agent of before format 2. */
  cpuMs: hostCpuSchema.nullable().default(null),
  here: domainList,
})
export type MigrateDoneMessage = z.infer<typeof migrateDoneSchema>

/** What the guest said last; of its files only if it has a disk. */
const vitals = {
  bad: z.number().nonnegative(),
  checked: z.number().nonnegative(),
  filesChecked: z.number().nonnegative().optional(),
  fileErrors: z.number().nonnegative().optional(),
  diskWrittenBytes: bytes.optional(),
}

const heartbeatSchema = z.object({
  t: z.literal('heartbeat'),
  ns: nanoseconds,
  received: count,
  lastSequence: z.number().nonnegative(),
  ...vitals,
  gapMs: milliseconds,
})
export type HeartbeatMessage = z.infer<typeof heartbeatSchema>

const heartbeatSummarySchema = z.object({
  t: z.literal('heartbeatSummary'),
  received: count,
  lost: count,
  ...vitals,
  largestGapMs: milliseconds,
  gapStartNs: nanoseconds,
  gapEndNs: nanoseconds,
})
export type HeartbeatSummaryMessage = z.infer<typeof heartbeatSummarySchema>

/** What an ME2 migration does with a page. */
export const pageFates = ['leftOut', 'constant', 'encoded', 'raw', 'absent'] as const

/** One page alone, encoded by each encoder on the host that speaks. */
export const pageEncodingSchema = z.object({
  encoder: z.enum(['rle', 'lz4', 'zstd']),
  /** 0 where there is none. */
  level: count,
  bytes,
  us: z.number().nonnegative(),
})

const pageSchema = z.object({
  t: z.literal('page'),
  frame: count,
  class: z.int().min(0).max(255),
  present: z.boolean(),
  /** Null: the guest's kernel is not understood, so nothing would be left out. */
  kernel: z.string().max(256).nullable(),
  fate: z.enum(pageFates),
  rleBytes: count.max(4096),
  encoders: z.array(pageEncodingSchema).max(64).default([]),
  /** Base64 of 4096 bytes. */
  content: z.base64().max(5464).nullable(),
})
export type PageMessage = z.infer<typeof pageSchema>

/** Something found on a disk: a partition, a logical volume, or the disk itself. What holds others precedes them. */
export const volumeSchema = z.object({
  name: z.string().max(160),
  /** A file system's name, "swap", "lvm2", another, or "unknown". */
  kind: z.string().max(16),
  uuid: z.string().max(37).nullable(),
  /** Of its first byte on the disk. */
  offset: bytes,
  bytes,
  /** `replayed`: its journal was applied in memory. `doubtful`: something is pending that was not applied, so nothing of it is free. */
  state: z.enum(['unknown', 'clean', 'replayed', 'doubtful']),
  /** As its own file system counts. */
  freeBytes: bytes,
  doubtfulBytes: bytes,
  /** What could not be understood, and why. */
  note: z.string().max(200).nullable(),
})
export type Volume = z.infer<typeof volumeSchema>

export const partitionTables = ['gpt', 'mbr', 'none'] as const

/** On stderr, before the frame on stdout. */
const diskMapSchema = z.object({
  t: z.literal('diskMap'),
  bytes,
  blocks: count,
  /** It was read past the host's page cache. */
  direct: z.boolean(),
  ms: milliseconds,
  table: z.enum(partitionTables),
  tableFromBackup: z.boolean(),
  /** Blocks by class number (shared/model/diskClass.ts). */
  counts: z.array(count).max(64),
  volumes: z.array(volumeSchema).max(256),
})
export type DiskMapMessage = z.infer<typeof diskMapSchema>

const linkTestSchema = z.object({ t: z.literal('linkTest'), bytes, ms: milliseconds, bytesPerSecond: z.number().nonnegative() })
export type LinkTestMessage = z.infer<typeof linkTestSchema>

const selfTestSchema = z.object({ t: z.literal('selfTest'), codec: z.boolean(), seal: z.boolean() })
export type SelfTestMessage = z.infer<typeof selfTestSchema>

/** Any message of the agent. `receive`, `migrate` and `disk-receive` all end with `done`, hence the outer union. */
export const agentMessageSchema = z.union([
  z.discriminatedUnion('t', [
    errorSchema,
    versionSchema,
    probeSchema,
    domainsSchema,
    loadSchema,
    heldSchema,
    listeningSchema,
    connectedSchema,
    xlSchema,
    receivedSchema,
    goAheadSchema,
    startSchema,
    progressSchema,
    roundSchema,
    suspendedSchema,
    sweptSchema,
    imageReceivedSchema,
    readySchema,
    unpausedSchema,
    verifySchema,
    encodingSchema,
    diskStartSchema,
    diskTrackingSchema,
    diskSchema,
    diskPassSchema,
    diskFinalSchema,
    diskVerifySchema,
    diskDoneSchema,
    diskKeptSchema,
    migrateDoneSchema,
    heartbeatSchema,
    heartbeatSummarySchema,
    linkTestSchema,
    pageSchema,
    diskMapSchema,
    selfTestSchema,
  ]),
  receiveDoneSchema,
  diskReceiveDoneSchema,
])
export type AgentMessage = z.infer<typeof agentMessageSchema>

/** The message of one kind; `done` is either command's. */
export type AgentMessageOf<Kind extends AgentMessage['t']> = Extract<AgentMessage, { t: Kind }>
