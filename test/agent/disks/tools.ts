/** Programs that the disks are made and looked at with, and the agent itself. */
import { execFile } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const here = import.meta.dirname
const agentFolder = join(here, '../../../resources/agent')
const compilerFlags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-sign-conversion', '-Werror']
/** dumpe2fs of 100 GB lists many groups; and these live where only root looks for programs. */
const outputMax = 1 << 28
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' }

export const mib = 1 << 20

/** What the program prints. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { env, maxBuffer: outputMax })
  return stdout
}

/** The same for programs whose exit status tells more than success (e2fsck: 1 when it changed something). */
export async function runAnyway(program: string, ...args: string[]): Promise<void> {
  await execute(program, args, { env, maxBuffer: outputMax }).catch(() => {})
}

export async function makeSparse(path: string, bytes: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, bytes)
}

/** Puts a part of one image into another; what is zero is not written. */
export async function copyInto(disk: string, offset: number, image: string, skip: number, bytes: number): Promise<void> {
  await run('dd', `if=${image}`, `of=${disk}`, 'bs=1M', `skip=${skip}`, `count=${bytes}`, `seek=${offset}`, 'iflag=skip_bytes,count_bytes', 'oflag=seek_bytes', 'conv=notrunc,sparse', 'status=none')
}

export async function buildAgent(): Promise<string> {
  await run('make', '-s', '-C', agentFolder)
  return join(agentFolder, 'build/agent')
}

/** A program that runs another and says how long it took and how much memory it had at most. */
export async function buildMeasure(folder: string): Promise<string> {
  const measure = join(folder, 'measure')
  await run('gcc', ...compilerFlags, '-o', measure, join(here, 'measure.c'))
  return measure
}
