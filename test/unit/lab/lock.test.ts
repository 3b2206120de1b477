import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withLock } from '../../../electron/services/lab/lock.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-lock-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

it('refuses a second change of the lab at once, and says who is at it', async () => {
  const path = join(folder, 'lock')
  await withLock(path, async () => {
    await expect(withLock(path, async () => 'inside')).rejects.toMatchObject({ code: 'lab-busy', message: expect.stringContaining(`${process.pid}`) as string })
  })
  expect(await withLock(path, async () => 'inside')).toBe('inside')
})

it('is free again when the change failed', async () => {
  const path = join(folder, 'lock')
  await expect(withLock(path, async () => Promise.reject(new Error('boom')))).rejects.toThrow('boom')
  expect(await withLock(path, async () => 'inside')).toBe('inside')
})

it('is free again when its owner was killed', async () => {
  const path = join(folder, 'lock')
  const lockModule = join(import.meta.dirname, '..', '..', '..', 'electron', 'services', 'lab', 'lock.ts')
  const script = `import { withLock } from ${JSON.stringify(lockModule)}
await withLock(${JSON.stringify(path)}, () => { console.log('locked'); return new Promise(() => setInterval(() => {}, 1000)) })`
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(owner.stdout, 'data')
  await expect(withLock(path, async () => 'inside')).rejects.toMatchObject({ code: 'lab-busy' })
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  let outcome = 'busy'
  while (outcome === 'busy') // the helper that holds it notices a moment later
    outcome = await withLock(path, async () => 'inside').catch(() => 'busy')
  expect(outcome).toBe('inside')
})
