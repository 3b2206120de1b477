/** What a cell's guest boots from, made on this machine: its kernel, and the lab's workload with that kernel's network module. */
import type { Cell } from './cells.ts'
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kernelFolder, kernels } from '../../kernels/kernels.ts'
import { labResources } from '../support/migrateOnce.ts'

const run = promisify(execFile)

export interface GuestFiles {
  kernel: Buffer
  /** Null for what is no Linux. */
  ramdisk: Buffer | null
}

/** The same tree as the lab's own guests have, see resources/lab/steps/guest.sh. */
async function buildRamdisk(folder: string, modules: string): Promise<Buffer> {
  const root = join(folder, 'root')
  const image = join(folder, 'guest.cpio.gz')
  await Promise.all(['dev', 'proc', 'sys', 'cache', 'bin'].map(async name => mkdir(join(root, name), { recursive: true })))
  await cp('/bin/busybox', join(root, 'bin', 'busybox'))
  await cp(join(labResources, 'guest', 'init'), join(root, 'init'))
  await cp(modules, join(root, 'modules'), { recursive: true })
  await run('make', ['-s', '-C', join(labResources, 'guest'), `B=${folder}`, join(folder, 'workload')])
  await cp(join(folder, 'workload'), join(root, 'bin', 'workload'))
  await run('sh', ['-c', 'cd "$1" && find . | cpio --create --format=newc --owner=0:0 --quiet | gzip -6 >"$2"', 'sh', root, image])
  return readFile(image)
}

/** Debian's package is unpacked, not installed. */
async function memoryTester(folder: string): Promise<GuestFiles> {
  await mkdir(folder, { recursive: true })
  await run('sh', ['-c', 'cd "$1" && apt-get download -qq -o APT::Sandbox::User=root memtest86+ && dpkg-deb -x memtest86+_*.deb .', 'sh', folder])
  return { kernel: await readFile(join(folder, 'boot', 'memtest86+x64.bin')), ramdisk: null }
}

/** `folder`: an empty one, for what is built on the way. */
export async function guestFiles(kernel: Cell['kernel'], folder: string): Promise<GuestFiles> {
  const spec = kernels.find(({ version }) => version === kernel)
  if (!spec)
    return memoryTester(folder)
  const from = await kernelFolder(spec)
  return { kernel: await readFile(join(from, 'vmlinuz')), ramdisk: await buildRamdisk(folder, join(from, 'xen', 'modules')) }
}
