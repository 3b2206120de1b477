import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const sources = join(import.meta.dirname, '..', '..', '..', 'resources', 'lab', 'guest')

it('sees every lost, stale or damaged page (its own tests, with sanitizers)', async () => {
  const build = await mkdtemp(join(tmpdir(), 'me2-workload-'))
  try {
    const { stdout } = await promisify(execFile)('make', ['-s', '-C', sources, `B=${build}`, 'check'])
    expect(stdout).toContain('workload: all tests passed')
  }
  finally {
    await rm(build, { recursive: true })
  }
}, 60_000)
