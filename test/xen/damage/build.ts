/** Builds `damage`, static, from its source and the agent's own modules. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = import.meta.dirname
const agentSources = join(here, '../../../resources/agent/src')
const compilerFlags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-sign-conversion', '-Werror']
const agentModules = ['batch', 'crc32c', 'encode', 'error', 'handshake', 'io', 'json', 'key', 'link', 'options', 'rate', 'xenstream']

/** The executable's bytes; `folder` is for the build and the caller's to remove. */
export async function buildDamage(folder: string): Promise<Buffer> {
  const executable = join(folder, 'damage')
  const sources = [...['damage.c', 'layout.c'].map(name => join(here, name)), ...agentModules.map(name => join(agentSources, `${name}.c`))]
  await run('gcc', [...compilerFlags, '-I', agentSources, '-static', '-s', '-o', executable, ...sources, '-lsodium', '-lpthread'])
  return readFile(executable)
}
