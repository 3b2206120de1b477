/**
 * What every procedure of the contract has: the error it may fail with, and who may call it. The router refuses a
 * viewer what is not marked for viewers (electron/router.ts); nothing rests on a hidden button.
 */
import { oc } from '@orpc/contract'
import { z } from 'zod'

export interface ProcedureMeta {
  /** Least role that may call it. */
  role: 'viewer' | 'operator'
}

export type Role = ProcedureMeta['role']

/** shared/errors.ts on the wire. A newer console may know more codes, so it is any text. */
export const problemSchema = z.object({
  code: z.string().max(64),
  message: z.string().max(8192),
  action: z.string().max(8192),
})

const base = oc.$meta<ProcedureMeta>({ role: 'operator' }).errors({ PROBLEM: { status: 422, data: problemSchema } })

/** Changes something, or shows what is only its owner's. */
export const forOperators = base
/** Shows what a class may see. */
export const forViewers = base.meta({ role: 'viewer' })

/** Names that users and hosts choose: no control characters, one line. */
export const shortName = z.string().min(1).max(128).regex(/^\P{Cc}*$/u)
