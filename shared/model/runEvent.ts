/**
 * One line of a run's event log: what an agent said, or what the console did, `atMs` after the run began (the console's
 * monotonic clock). A run can be shown again from these alone. They never hold page contents or secrets.
 */
import { z } from 'zod'
import { agentMessageSchema } from '../agent/messages.ts'

/**
 * `prepare` until both agents are up, `connect` until the source's agent has its link, `disk` while a disk that goes along is
 * copied before its guest's memory, then the agent's own phases,
 * `settle` while both hosts are asked where the guest is, `watch` while the guest's own check goes on.
 */
export const migrationPhases = ['prepare', 'connect', 'disk', 'precopy', 'final', 'handshake', 'verify', 'settle', 'watch'] as const
export type MigrationPhase = typeof migrationPhases[number]

const atMs = z.number().nonnegative()

export const runEventSchema = z.union([
  z.object({ atMs, from: z.enum(['source', 'target']), message: agentMessageSchema }),
  z.object({ atMs, from: z.literal('console'), phase: z.enum(migrationPhases) }),
  z.object({ atMs, from: z.literal('console'), note: z.string().max(4096) }),
])
export type RunEvent = z.infer<typeof runEventSchema>

/** Which end of the migration spoke. */
export type Side = 'source' | 'target'
