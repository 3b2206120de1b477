/**
 * What is recorded about a running lab, so that another process can find, adopt or end it. One JSON file, replaced as a whole.
 */
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { labPlanSchema } from '../../../shared/model/labPlan.ts'

const maxBytes = 64 * 1024
const text = z.string().min(1).max(200)
const port = z.number().int().min(1).max(65_535)

const processSchema = z.object({ pid: z.number().int().min(2), startTicks: z.number().int().min(0) })

const stateSchema = z.object({
  version: z.literal(3),
  /** Of all it was made from, see labKeys. */
  key: text,
  plan: labPlanSchema,
  hosts: z.array(z.object({
    name: z.string().regex(/^[a-z]{1,16}$/),
    linkAddress: z.ipv4(),
    sshPort: port,
    /** UDP ports, see cable.ts. */
    cable: z.object({ port, peerPort: port }),
    /** It was switched off on purpose, and is to be started again when it is needed. */
    standby: z.boolean(),
    image: z.object({ key: text, suite: text, xen: text, kernel: text }),
    process: processSchema,
  })).min(1).max(8),
  /** What joins the cables of more than two hosts (cable.ts). */
  hub: processSchema.nullable().default(null),
})

export type LabState = z.infer<typeof stateSchema>
export type HostState = LabState['hosts'][number]

/** Null for anything that is not a state of this version: such a lab cannot be adopted, only replaced. */
export function parseState(json: string): LabState | null {
  if (json.length > maxBytes)
    return null
  try {
    return stateSchema.parse(JSON.parse(json))
  }
  catch {
    return null
  }
}

export async function readState(path: string): Promise<LabState | null> {
  const size = await stat(path).then(file => file.size, () => null)
  if (size === null || size > maxBytes)
    return null
  return parseState(await readFile(path, 'utf8'))
}

export async function writeState(path: string, state: LabState): Promise<void> {
  const temporary = `${path}.${process.pid}.new`
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(temporary, path)
}

export async function removeState(path: string): Promise<void> {
  await rm(path, { force: true })
}
