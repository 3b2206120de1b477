import type { DiskCopyRequest } from '../../../electron/services/disk/copyDisk.ts'
import { Buffer } from 'node:buffer'
import { beforeEach, expect, it } from 'vitest'
import { startDiskCopy } from '../../../electron/services/disk/copyDisk.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { FakeLab, impatient, listen } from '../migration/fakeLab.ts'

let lab: FakeLab
const counts = { blocks: 300, constant: 10, encoded: 290, raw: 0, delta: 0, reference: 0, linkBytes: 500_000 }

beforeEach(() => {
  lab = new FakeLab()
  lab.b.scripts.set('disk-receive', listen)
})

async function copy(change: Partial<DiskCopyRequest> = {}) {
  const { connection } = await lab.a.handle.session()
  connection.exec = async () => ({ code: 0, signal: null, stdout: Buffer.from('2147483648\n'), stderr: '' })
  return startDiskCopy({
    source: lab.a.handle, target: lab.b.handle, path: '/srv/a.img', to: { path: '/srv/b.img', overwrite: false }, mode: 'me2', encoding: presets.paper,
    link: 'sealed', rateMbit: 20, verify: true, targetAddress: '10.77.0.2', timing: impatient, onMessage: () => {}, ...change,
  })
}

function sendWell(): void {
  lab.a.scripts.set('disk-send', process => process.on({
    line: () => {
      process.say({ t: 'diskStart', ns: 1, bytes: 2 ** 31, blocks: 524_288, leftOut: 500_000, tracked: null, notTraced: null, notExplored: null, ms: 3 })
        .say({ t: 'diskDone', kept: true, bytes: 2 ** 31, leftOut: 500_000, passes: 1, ...counts, cpuMs: 4 })
        .finish()
    },
  }))
}

it('copies, with the disk\'s own size and one key for both ends', async () => {
  sendWell()
  expect(await (await copy()).result).toMatchObject({ kept: true, leftOut: 500_000, linkBytes: 500_000 })
  const [send, receive] = [lab.a.process('disk-send')!, lab.b.process('disk-receive')!]
  expect(receive.args).toEqual(['disk-receive', '--link', 'sealed', '--bind', '10.77.0.2', '--path', '/srv/b.img', '--bytes', '2147483648'])
  expect(send.option('--disk-to')).toBe('10.77.0.2:40001')
  expect(send.lines[0]).toMatch(/^[0-9a-f]{64}$/)
  expect(receive.lines[0]).toBe(send.lines[0])
})

it('tells why the source failed', async () => {
  lab.a.scripts.set('disk-send', process => process.on({
    line: () => process.say({ t: 'error', code: 'busy', message: '/srv/a.img is in use by /dev/loop0', action: 'Shut it down.' }).finish(1),
  }))
  await expect((await copy()).result).rejects.toMatchObject({ code: 'busy', action: 'Shut it down.' })
})

it('tells why the target failed, which the source does not know', async () => {
  lab.a.scripts.set('disk-send', process => process.on({
    line: () => {
      lab.b.process('disk-receive')!.say({ t: 'error', code: 'system', message: 'cannot write /srv/b.img: No space left on device', action: 'Make room there.' }).finish(1)
      process.say({ t: 'error', code: 'target-failed', message: 'the target of the disk closed the link', action: '' }).finish(1)
    },
  }))
  await expect((await copy()).result).rejects.toMatchObject({ code: 'system', action: 'Make room there.' })
})

it('is not complete where the connection ends before the target was told to keep it', async () => {
  lab.a.scripts.set('disk-send', process => process.on({ line: () => process.lose() }))
  await expect((await copy()).result).rejects.toMatchObject({ code: 'connection-lost' })
})

it('can be cancelled', async () => {
  lab.a.scripts.set('disk-send', process => process.on({ end: () => process.finish(1) }))
  const job = await copy()
  setTimeout(() => job.cancel(), 5)
  await expect(job.result).rejects.toMatchObject({ code: 'cancelled' })
})
