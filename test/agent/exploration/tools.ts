/** The programs of an exploration: the guest's only process, and the one that compares. Built anew for each run. */
import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = import.meta.dirname
const agentFolder = join(here, '../../../resources/agent')
const compilerFlags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-sign-conversion', '-Werror']
const agentModules = ['error', 'io', 'pieces', 'json', 'encode', 'vmcoreinfo', 'kernel_layout', 'kernel_memory', 'guest', 'guest_file', 'explore']

export interface Tools {
  guest: string
  compare: string
  agent: string
}

export async function buildTools(folder: string): Promise<Tools> {
  const guest = join(folder, 'guest')
  const compare = join(folder, 'compare')
  const sources = agentModules.map(name => join(agentFolder, 'src', `${name}.c`))
  await run('gcc', [...compilerFlags, '-static', '-s', '-o', guest, join(here, 'guest.c')])
  await run('gcc', [...compilerFlags, '-I', join(agentFolder, 'src'), '-o', compare, join(here, 'compare.c'), ...sources])
  await run('make', ['-s', '-C', agentFolder])
  return { guest, compare, agent: join(agentFolder, 'build/agent') }
}

/** The guest's file system: its process 1 and the kernel's modules. */
export async function buildInitramfs(folder: string, { guest }: Tools, kernelFolder: string): Promise<string> {
  const root = join(folder, 'root')
  const image = join(folder, 'initramfs')
  await mkdir(join(root, 'dev'), { recursive: true })
  await cp(guest, join(root, 'init'))
  await cp(join(kernelFolder, 'qemu', 'modules'), join(root, 'modules'), { recursive: true })
  await run('sh', ['-c', 'cd "$1" && find . | cpio --create --format=newc --owner=0:0 --quiet >"$2"', 'sh', root, image])
  return image
}
