/**
 * Reads `xl list -l NAME`: JSON of libxl's domain configuration, of which disks and network interfaces matter here.
 * Fields that have their default may be absent. Strings are bounded; what does not parse is null, not an error.
 */
import type { GuestConfig } from './facts.ts'
import { z } from 'zod'

const defaultVifScript = 'vif-bridge'
const defaultBridge = 'xenbr0'
const text = z.string().max(1024)

const configSchema = z.object({
  config: z.object({
    disks: z.array(z.object({ pdev_path: text.nullish(), script: text.nullish(), is_cdrom: z.number().or(z.boolean()).nullish() })).max(64).nullish(),
    nics: z.array(z.object({ bridge: text.nullish(), script: text.nullish() })).max(64).nullish(),
  }),
})

/** xl prints one object, or a list of one. */
const answerSchema = z.union([configSchema, z.array(configSchema).length(1).transform(list => list[0]!)])

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function parseGuestConfig(json: string): GuestConfig | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  }
  catch {
    return null
  }
  const parsed = answerSchema.safeParse(value)
  if (!parsed.success)
    return null
  const { disks, nics } = parsed.data.config
  const present = (disks ?? []).filter(disk => typeof disk.pdev_path === 'string' && disk.pdev_path !== '')
  const isPath = (disk: typeof present[number]): boolean => disk.pdev_path!.startsWith('/') && (disk.script ?? '') === ''
  return {
    disks: present.filter(isPath).map(disk => disk.pdev_path!),
    otherDisks: present.filter(disk => !isPath(disk)).map(disk => disk.pdev_path!),
    bridges: [...new Set((nics ?? []).map(nic => nic.bridge ?? defaultBridge))],
    vifScripts: (nics ?? []).map(nic => baseName(nic.script ?? defaultVifScript)),
  }
}
