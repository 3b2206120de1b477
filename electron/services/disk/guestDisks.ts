/**
 * The disks of a guest that runs on a host, as Xen's configuration store has them. They are found through /libxl, which is
 * the toolstack's own: what stands below /local/domain/N/device is the guest's to write, and could name any file.
 */
import type { HostSession } from '../migration/hostHandle.ts'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'

export interface GuestDisk {
  /** What the guest calls it: xvda. */
  name: string
  /** The file or block device that its configuration names. */
  path: string
  /** "raw", or an image format such as "qcow2". */
  format: string
  /** The block device behind it (a file has a loop device); null where there is none (a QEMU back end). */
  device: string | null
  bytes: number | null
  writable: boolean
  /** Number of the domain that serves it; `path` and `device` are in there. 0: the control domain. */
  servedBy: number
}

const timeoutMs = 60_000
const maxOutputBytes = 65_536

/** A line a disk: name, mode, back end, what it serves, major:minor's device, bytes. `$1`: the guest's number. */
const listScript = `
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
base=/libxl/$1/device/vbd
for id in $(xenstore-list "$base" 2>/dev/null); do
  back=$(xenstore-read "$base/$id/backend" 2>/dev/null) || continue
  read_one() { xenstore-read "$back/$1" 2>/dev/null | tr -d '\\t\\n'; }
  served=$(read_one params)
  number=$(read_one physical-device)
  device=
  bytes=
  case "$back" in
  /local/domain/0/*)
    if [ -n "$number" ]; then
      sys=/sys/dev/block/$((0x\${number%%:*})):$((0x\${number##*:}))
      device=$(sed -n 's,^DEVNAME=,/dev/,p' "$sys/uevent" 2>/dev/null)
      sectors=$(cat "$sys/size" 2>/dev/null) && bytes=$((sectors * 512))
    else
      bytes=$(stat -L -c %s -- "\${served#aio:}" 2>/dev/null)
    fi;;
  esac
  printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$(read_one dev)" "$(read_one mode)" "$back" "$served" "$device" "$bytes"
done
`

const rowSchema = z.tuple([
  z.string().regex(/^[\w/-]{1,32}$/),
  z.enum(['r', 'w']),
  z.string().regex(/^\/local\/domain\/\d{1,5}\/backend\/[\w/]{1,64}$/),
  z.string().min(1).max(1024),
  z.string().regex(/^(?:\/dev\/[\w/.-]{1,200})?$/),
  z.string().regex(/^\d{0,16}$/),
])

/** What a QEMU back end serves has the format before it; "aio" is its word for raw. An empty drive is only that. */
function splitServed(served: string): { format: string, path: string } {
  const [, format, path] = /^([a-z]\w*):(.*)$/.exec(served) ?? [null, 'aio', served]
  return { format: format === 'aio' ? 'raw' : format, path }
}

function parseRow(line: string): GuestDisk[] {
  const row = rowSchema.safeParse(line.split('\t'))
  if (!row.success)
    return []
  const [name, mode, backend, served, device, bytes] = row.data
  const { format, path } = backend.includes('/qdisk/') ? splitServed(served) : { format: 'raw', path: served }
  if (path === '')
    return []
  return [{ name, path, format, device: device || null, bytes: bytes ? Number(bytes) : null, writable: mode === 'w', servedBy: Number(backend.split('/')[3]) }]
}

/** Throws `connection-lost`. Rows that make no sense are passed over, and so are empty drives. */
export async function guestDisks({ connection }: HostSession, domid: number): Promise<GuestDisk[]> {
  const argv = ['sh', '-c', listScript, 'sh', String(domid)]
  const { stdout } = await connection.exec(argv, { asRoot: connection.root, timeoutMs, maxBytes: maxOutputBytes })
  return stdout.toString('utf8').split('\n').flatMap(parseRow)
}

/** Where the agent finds the disk's own bytes. Throws `not-supported`. */
export function explorablePath({ name, path, format, device, servedBy }: GuestDisk): string {
  if (servedBy !== 0)
    throw new Me2Error('not-supported', `${name} is served by domain ${servedBy}, so its blocks are not the control domain's to read.`, 'Look at it from there with: disk map --path.')
  if (format !== 'raw')
    throw new Me2Error('not-supported', `${name} is a ${format} image; only raw files and block devices can be looked into.`, 'Convert it with qemu-img convert -O raw.')
  if (device === null && !path.startsWith('/'))
    throw new Me2Error('not-supported', `No file and no block device is known behind ${name}.`, 'Give it as format=raw with the path of a file or block device.')
  return device ?? path
}
