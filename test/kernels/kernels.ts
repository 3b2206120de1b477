/** The kernels that guests in tests run: Debian's own, fetched once from the mirror that this machine's apt uses. */
import { execFile } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface KernelSpec {
  /** Version as the tables call it. */
  version: '5.10' | '6.1' | '6.12' | '7.3'
  /** Debian release, or its backports. */
  suite: string
  /** Its note tells page tables from other pages. */
  publishesPageTables: boolean
  /** Its /proc/kpageflags marks frames that are offline or have no page; in 7.3 they read as 0. */
  marksAbsent: boolean
}

export const kernels: KernelSpec[] = [
  { version: '5.10', suite: 'bullseye', publishesPageTables: false, marksAbsent: true },
  { version: '6.1', suite: 'bookworm', publishesPageTables: false, marksAbsent: true },
  { version: '6.12', suite: 'trixie', publishesPageTables: true, marksAbsent: true },
  { version: '7.3', suite: 'trixie-backports', publishesPageTables: true, marksAbsent: false },
]

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'me2-lab', 'kernels')
}

/** The folder with vmlinuz and modules; fetch-kernel.sh describes it. */
export async function kernelFolder({ suite }: KernelSpec): Promise<string> {
  const folder = join(cacheFolder(), `debian-${suite}.2`)
  if (await access(join(folder, 'vmlinuz')).then(() => true, () => false))
    return folder
  await mkdir(cacheFolder(), { recursive: true })
  await run(join(import.meta.dirname, 'fetch-kernel.sh'), [suite, folder])
  return folder
}
