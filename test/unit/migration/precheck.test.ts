import type { PrecheckRequest } from '../../../electron/services/migration/precheck/gather.ts'
import type { NetworkLink } from '../../../shared/agent/messages.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { mayStart } from '../../../electron/services/migration/precheck/checks.ts'
import { parseGuestConfig } from '../../../electron/services/migration/precheck/guestConfig.ts'
import { commonAddress } from '../../../electron/services/migration/precheck/linkAddress.ts'
import { precheck } from '../../../electron/services/migration/precheck/precheck.ts'
import { domain } from '../model/messages.ts'
import { FakeLab, impatient } from './fakeLab.ts'

let lab: FakeLab

beforeEach(() => {
  lab = new FakeLab()
})

async function check(change: Partial<PrecheckRequest> = {}) {
  return precheck({
    source: lab.a.handle, target: lab.b.handle, guest: 'web', modes: ['stock', 'me2'], link: 'sealed', rateMbit: 20, targetAddress: null, timing: impatient, ...change,
  })
}

async function finding(code: string, change: Partial<PrecheckRequest> = {}) {
  const { checks } = await check(change)
  return checks.find(each => each.code === code && each.status !== 'ok') ?? checks.find(each => each.code === code)
}

describe('before a race', () => {
  it('finds nothing in the way, and learns what the run is about', async () => {
    const found = await check()
    expect(found.checks.filter(each => each.status !== 'ok')).toEqual([])
    expect(mayStart(found.checks, false)).toBe(true)
    expect(found).toMatchObject({
      linkAddress: '10.77.0.2',
      from: { name: 'hosta', xen: '4.17.7', agent: '0.1.0' },
      guest: { name: 'web', kind: 'pvh', vifScripts: ['vif-lab'] },
    })
    expect(lab.b.process('receive')!.args).toContain('--measure')
  })

  it('names the guests there are when the wanted one is not', async () => {
    expect(await finding('guest', { guest: 'mail' })).toMatchObject({ status: 'error', forceable: false, action: expect.stringContaining('web') as string })
    expect((await check({ guest: 'mail' })).guest).toBeNull()
  })

  it.each([
    ['a guest that does not run', 'guest', () => lab.a.domains = [domain('web', 'paused')], false],
    ['a PV guest where there is no shadow paging', 'logDirty', () => lab.a.domains = [domain('web', 'running', { kind: 'pv' })], false],
    ['no log-dirty', 'logDirty', () => lab.a.probe.logDirty.hvm = false, false],
    ['the name taken', 'name', () => lab.b.domains = [domain('web', 'blocked')], false],
    ['a half-arrived copy', 'name', () => lab.b.domains = [domain('web--incoming', 'paused')], false],
    ['a copy not cleaned up at the source', 'name', () => lab.a.domains.push(domain('web--migratedaway', 'suspended')), false],
    ['a target without memory', 'memory', () => lab.b.probe.freeBytes = 2 ** 28 + 2 ** 20, true],
    ['a CPU feature missing', 'cpu', () => lab.a.probe.cpuFeatures.push('avx512f'), false],
    ['an older Xen', 'xen', () => lab.a.probe.xen!.minor = 20, false],
    ['no Xen', 'xen', () => lab.b.probe.xen = null, false],
    ['a host with a problem of its own', 'host', () => lab.b.probe.problems.push({ code: 'no-xl', severity: 'error', message: 'no xl', action: 'install it' }), false],
    ['boot files of an HVM guest that are not there', 'boot', () => lab.a.guestConfig = { config: { c_info: { type: 'hvm' }, b_info: { kernel: '/boot/web' } } }, false],
    ['a disk that is not there', 'disks', () => lab.a.guestConfig = { config: { disks: [{ pdev_path: '/dev/vg/web' }] } }, true],
    ['a bridge that is not there', 'bridges', () => lab.b.files.clear(), true],
    ['another migration of the guest', 'busy', () => lab.a.agents.set(5, ['migrate', '--domain', 'web']), false],
    ['a link that does not connect', 'link', () => lab.a.scripts.set('link-test', process => process.say({ t: 'error', code: 'link', message: 'refused', action: '' }).finish(1)), false],
  ])('stops at %s', async (_, code, spoil, forceable) => {
    spoil()
    const { checks } = await check()
    expect(checks.filter(each => each.status === 'error')).toMatchObject([{ code, forceable }])
    expect(mayStart(checks, false)).toBe(false)
    expect(mayStart(checks, true)).toBe(forceable)
  })

  it('goes on when another guest is being migrated, or another command runs', async () => {
    lab.a.agents.set(5, ['migrate', '--domain', 'db'])
    lab.a.agents.set(6, ['heartbeat', '--domain', 'web'])
    expect(await finding('busy')).toMatchObject({ status: 'ok' })
  })

  it('warns that disks must be one storage, since paths alone do not show it', async () => {
    lab.a.guestConfig = { config: { disks: [{ pdev_path: '/dev/vg/web' }] } }
    lab.b.files.add('/dev/vg/web')
    expect(await finding('disks')).toMatchObject({ status: 'warning' })
  })

  it('lets a disk go along that the target does not have, and asks for one to take', async () => {
    expect(await finding('disks', { withDisk: true })).toMatchObject({ status: 'error', message: expect.stringContaining('no disk') as string })
    lab.a.guestConfig = { config: { disks: [{ pdev_path: '/srv/web.img' }] } }
    expect(await finding('disks', { withDisk: true })).toMatchObject({ status: 'ok', message: expect.stringContaining('goes along') as string })
  })

  it('warns when the link is slower than its cap', async () => {
    lab.a.scripts.set('link-test', process => process.say({ t: 'linkTest', bytes: 4e6, ms: 4000, bytesPerSecond: 1e6 }).finish())
    expect(await finding('link')).toMatchObject({ status: 'warning', message: expect.stringContaining('8.0 Mbit/s') as string })
  })

  it('does not measure a link over ssh, and says so', async () => {
    expect(await finding('link', { link: 'ssh' })).toMatchObject({ status: 'warning' })
    expect(lab.b.process('receive')).toBeUndefined()
  })

  it('goes on without memory exploration when the kernel is not understood, and says what that means', async () => {
    const { agent } = await lab.a.handle.session()
    agent.startBinary = async () => Promise.reject(Object.assign(new Error('no note'), { code: 'not-understood' }))
    expect(await finding('kernel')).toMatchObject({ status: 'warning', message: expect.stringContaining('leave nothing out') as string })
    expect(await finding('kernel', { modes: ['stock'] })).toMatchObject({ status: 'ok' })
  })

  it('stops when the hosts share no network', async () => {
    lab.b.probe.links[0]!.address = '192.168.9.2'
    expect(await finding('link')).toMatchObject({ status: 'error', action: expect.stringContaining('--to-address') as string })
    expect(await finding('link', { targetAddress: '10.77.0.2' })).toMatchObject({ status: 'ok' })
  })
})

describe('a guest\'s configuration from xl', () => {
  it('tells disks, bridges and scripts, with libxl\'s defaults where it is silent', () => {
    const config = { config: { disks: [
      { pdev_path: '/dev/vg/root' },
      { pdev_path: 'iqn.2020-01.org:web', script: 'block-iscsi' },
      { vdev: 'xvdb' },
    ], nics: [{ bridge: 'br7', script: '/etc/xen/scripts/vif-lab' }, {}] } }
    expect(parseGuestConfig(JSON.stringify([config]))).toEqual({
      bootFiles: [],
      disks: ['/dev/vg/root'], otherDisks: ['iqn.2020-01.org:web'], bridges: ['br7', 'xenbr0'], vifScripts: ['vif-lab', 'vif-bridge'],
    })
  })

  it('tells the files that a device model loads, and those of no other guest', () => {
    const boot = { kernel: '/boot/vmlinuz', ramdisk: '/boot/initrd' }
    expect(parseGuestConfig(JSON.stringify({ config: { c_info: { type: 'hvm' }, b_info: boot } }))?.bootFiles).toEqual(['/boot/vmlinuz', '/boot/initrd'])
    expect(parseGuestConfig(JSON.stringify({ config: { c_info: { type: 'pvh' }, b_info: boot } }))?.bootFiles).toEqual([])
  })

  it.each(['', 'web does not exist', '[]', '{"config":{"disks":7}}'])('is unknown when xl says %j', (text) => {
    expect(parseGuestConfig(text)).toBeNull()
  })
})

describe('the address for the link', () => {
  const link = (address: string, speedMbit: number | null = null, prefix = 24): NetworkLink => ({ name: 'eth', address, prefix, speedMbit, mtu: 1500 })

  it('is in a network of both hosts, the fastest one', () => {
    expect(commonAddress([link('10.0.0.1'), link('10.1.0.1')], [link('10.0.0.2', 1000), link('10.1.0.2', 10_000)])).toBe('10.1.0.2')
  })

  it('is none without such a network', () => {
    expect(commonAddress([link('10.0.0.1')], [link('10.0.1.2')])).toBeNull()
    expect(commonAddress([link('127.0.0.1', null, 8)], [link('127.0.0.1', null, 8)])).toBeNull()
    expect(commonAddress([link('10.0.2.15')], [link('10.0.2.15')])).toBeNull()
  })
})
