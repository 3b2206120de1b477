/** The script that lists a guest's disks, in a real shell, over a made-up configuration store. */
import type { HostSession } from '../../../electron/services/migration/hostHandle.ts'
import type { HostConnection } from '../../../electron/services/ssh/types.ts'
import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { guestDisks } from '../../../electron/services/disk/guestDisks.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-store-'))
  const program = async (name: string, body: string): Promise<void> => writeFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  await program('xenstore-read', `cat "${folder}/store$1"`)
  await program('xenstore-list', `ls "${folder}/store$1"`)
})

afterEach(async () => rm(folder, { recursive: true }))

async function store(path: string, value: string): Promise<void> {
  const file = join(folder, 'store', path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, value)
}

const toolstacks = '/libxl/7'

async function storeDisk(id: number, backend: string, values: Record<string, string>, root = toolstacks): Promise<void> {
  await store(`${root}/device/vbd/${id}/backend`, backend)
  for (const [name, value] of Object.entries(values))
    await store(`${backend}/${name}`, value)
}

async function listed() {
  const exec = async ([program, ...args]: readonly string[]) => {
    const { stdout, stderr } = await promisify(execFile)(program!, args, { env: { PATH: `${folder}:/usr/bin:/bin` } })
    return { code: 0, signal: null, stdout: Buffer.from(stdout), stderr }
  }
  return guestDisks({ connection: { root: true, exec } as unknown as HostConnection } as HostSession, 7)
}

it('finds a raw file with its size, whatever characters its name has', async () => {
  const image = join(folder, 'it\'s $(touch made) "here".img')
  await writeFile(image, Buffer.alloc(8192))
  await storeDisk(51_712, '/local/domain/0/backend/qdisk/7/51712', { dev: 'xvda', mode: 'w', params: `aio:${image}` })
  expect(await listed()).toEqual([{ name: 'xvda', path: image, format: 'raw', device: null, bytes: 8192, writable: true, servedBy: 0 }])
  expect(existsSync(join(folder, 'made')) || existsSync('made')).toBe(false)
})

it('finds several, and the domain that serves each', async () => {
  await storeDisk(51_712, '/local/domain/0/backend/vbd/7/51712', { dev: 'xvda', mode: 'r', params: '/dev/vg/web' })
  await storeDisk(51_728, '/local/domain/3/backend/vbd/7/51728', { 'dev': 'xvdb', 'mode': 'w', 'params': '/dev/vg/there', 'physical-device': '7:0' })
  expect(await listed()).toMatchObject([{ name: 'xvda', device: null, writable: false, servedBy: 0 }, { name: 'xvdb', device: null, bytes: null, servedBy: 3 }])
})

it('heeds nothing that the guest itself can write', async () => {
  await storeDisk(51_712, '/local/domain/0/backend/qdisk/7/51712', { dev: 'xvda', mode: 'w', params: 'aio:/etc/shadow' }, '/local/domain/7')
  expect(await listed()).toEqual([])
})

it('is empty for a guest without disks', async () => {
  expect(await listed()).toEqual([])
})
