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
    c_info: z.object({ type: text.nullish() }).nullish(),
    b_info: z.object({ kernel: text.nullish(), ramdisk: text.nullish() }).nullish(),
    disks: z.array(z.object({ pdev_path: text.nullish(), script: text.nullish(), is_cdrom: z.number().or(z.boolean()).nullish() })).max(64).nullish(),
    nics: z.array(z.object({ bridge: text.nullish(), script: text.nullish() })).max(64).nullish(),
  }),
})

/** xl prints one object, or a list of one. */
const answerSchema = z.union([configSchema, z.array(configSchema).length(1).transform(list => list[0]!)])

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A device model loads them anew where the guest arrives, although what they made is in the guest's memory; other guests need none. */
function bootFilesOf({ c_info, b_info }: z.infer<typeof configSchema>['config']): string[] {
  return c_info?.type === 'hvm' ? [b_info?.kernel, b_info?.ramdisk].filter(path => path?.startsWith('/') === true) as string[] : []
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
    bootFiles: bootFilesOf(parsed.data.config),
    disks: present.filter(isPath).map(disk => disk.pdev_path!),
    otherDisks: present.filter(disk => !isPath(disk)).map(disk => disk.pdev_path!),
    bridges: [...new Set((nics ?? []).map(nic => nic.bridge ?? defaultBridge))],
    vifScripts: (nics ?? []).map(nic => baseName(nic.script ?? defaultVifScript)),
  }
}
