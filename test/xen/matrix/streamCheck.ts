/**
 * An independent reader of what `receive` rebuilds: Xen's own verify-stream-v2, from Debian's xen-utils in dom0. On a host
 * that is watched, an `xl` that stands before the real one in PATH writes down what migrate-receive is given.
 */
import type { TestHost } from '../support/migrateOnce.ts'
import { Buffer } from 'node:buffer'

const wrapper = '/usr/local/sbin/xl'
const streamFile = '/var/tmp/stream'
const verifyMs = 900_000
const wordsMax = 300

/** The process that receives stays xl itself: its end is what the agent waits for. */
const wrapperScript = `#!/bin/bash
[ "$1" = migrate-receive ] || exec /usr/sbin/xl "$@"
exec /usr/sbin/xl "$@" < <(exec tee ${streamFile})
`

/** With -v it names each record. */
const verifyScript = `export PYTHONPATH=$(echo /usr/lib/xen-4.*/lib/python)
python3 /usr/lib/xen-4.*/bin/verify-stream-v2 -v -f xl -i "$1" >"$1.log" 2>&1
status=$?
sed -n -e 's/^\\(Libx[cl]\\) Record: \\([^,]*\\),.*/\\1 \\2/p' -e 's/^Squashed .* Page Data .*/Libxc Page data/p' "$1.log" | sort -u
[ $status = 0 ] || tail -n 4 "$1.log" >&2
rm -f "$1"
exit $status`

/** From now on, or no longer. */
export async function watchStreams(host: TestHost, watch: boolean): Promise<void> {
  const { connection } = await host.handle.session()
  if (watch)
    await connection.upload(Buffer.from(wrapperScript), wrapper, 0o755)
  else
    await connection.exec(['rm', '-f', wrapper])
}

export interface StreamCheck {
  /** Null: it found nothing wrong. */
  problem: string | null
  /** Types of record in the stream, none twice, as that program calls them. */
  records: string[]
}

/** Of the last stream that arrived on this host; it is gone afterwards. */
export async function checkStream(host: TestHost): Promise<StreamCheck> {
  const { connection } = await host.handle.session()
  const { code, stdout, stderr } = await connection.exec(['sh', '-c', verifyScript, 'sh', streamFile], { timeoutMs: verifyMs })
  return {
    problem: code === 0 ? null : (stderr.trim() || `exit ${code}`).slice(-wordsMax),
    records: stdout.toString().trim().split('\n').map(line => line.trim()).filter(Boolean),
  }
}
