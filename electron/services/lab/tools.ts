/** The programs of this machine that the lab is built and run with. */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'

interface Need {
  /** A command, or the absolute path of a file. */
  item: string
  /** Debian package that brings it. */
  pkg: string
}

const toRun: Need[] = [
  { item: 'qemu-system-x86_64', pkg: 'qemu-system-x86' },
  { item: 'qemu-img', pkg: 'qemu-utils' },
  { item: 'ssh', pkg: 'openssh-client' },
  { item: 'ssh-keygen', pkg: 'openssh-client' },
  { item: 'flock', pkg: 'util-linux' },
  { item: 'tar', pkg: 'tar' },
]

const toBuild: Need[] = [
  { item: 'mmdebstrap', pkg: 'mmdebstrap' },
  { item: 'eatmydata', pkg: 'eatmydata' },
  { item: 'mke2fs', pkg: 'e2fsprogs' },
  { item: 'depmod', pkg: 'kmod' },
  { item: 'busybox', pkg: 'busybox-static' },
  { item: 'cpio', pkg: 'cpio' },
  { item: 'gcc', pkg: 'gcc' },
  { item: 'make', pkg: 'make' },
  { item: '/usr/lib/x86_64-linux-gnu/libc.a', pkg: 'libc6-dev' },
  { item: '/usr/share/keyrings/debian-archive-keyring.gpg', pkg: 'debian-archive-keyring' },
]

/** Administrators' commands are needed too, and a user's PATH often lacks their folders. */
const searchPath = [...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'])]

async function isThere(item: string): Promise<boolean> {
  const candidates = item.startsWith('/') ? [item] : searchPath.map(folder => join(folder, item))
  const mode = item.startsWith('/') ? constants.R_OK : constants.X_OK
  const checks = await Promise.all(candidates.map(async path => access(path, mode).then(() => true, () => false)))
  return checks.includes(true)
}

/** Environment for the lab's child processes. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: searchPath.join(delimiter), LC_ALL: 'C' }
}

/** Debian packages that are missing on this machine, sorted, none twice. */
async function missingPackages(purpose: 'build' | 'run'): Promise<string[]> {
  const needs = purpose === 'build' ? [...toRun, ...toBuild] : toRun
  const missing = await Promise.all(needs.map(async need => await isThere(need.item) ? [] : [need.pkg]))
  return [...new Set(missing.flat())].sort()
}

/** Throws `lab-missing-tools` with one line to run. */
export async function requireTools(purpose: 'build' | 'run'): Promise<void> {
  const packages = await missingPackages(purpose)
  if (packages.length)
    throw new Me2Error('lab-missing-tools', `The boxed lab needs ${packages.join(', ')}.`, `apt-get install --no-install-recommends ${packages.join(' ')}`)
}
