import type { HostView } from '../../../shared/contract/hosts.ts'
import { Buffer } from 'node:buffer'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diagnosticBundle, redact } from '../../../electron/services/settings/diagnostics.ts'
import { SettingsStore } from '../../../electron/services/settings/settingsStore.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(os.tmpdir(), 'me2-settings-'))
  file = join(folder, 'data', 'settings.json')
})

afterEach(async () => rm(folder, { recursive: true }))

describe('settings', () => {
  it('are kept, each change only of what it names', async () => {
    const store = await SettingsStore.open(file)
    await store.change({ theme: 'dark' })
    await store.change({ language: 'zh', theme: undefined })
    expect((await SettingsStore.open(file)).settings.value).toMatchObject({ theme: 'dark', language: 'zh', race: { rateMbit: 20 } })
  })

  it('of a console that knew no size of the lab are read, and keep what they say', async () => {
    await SettingsStore.open(file)
    await writeFile(file, '{"theme":"dark","lab":{"startWithConsole":false}}')
    const { value } = (await SettingsStore.open(file)).settings
    expect(value).toMatchObject({ theme: 'dark', lab: { startWithConsole: false, size: { guestMemoryMiB: 256, twin: false } } })
    expect(await readdir(join(folder, 'data')), 'nothing was put aside').toEqual(['settings.json'])
  })

  it('fall back to the defaults when the file is damaged, and the damaged file stays', async () => {
    await SettingsStore.open(file)
    await writeFile(file, '{"theme": 7')
    expect((await SettingsStore.open(file)).settings.value.theme).toBe('system')
    expect(await readdir(join(folder, 'data'))).toEqual(['settings.json.damaged'])
    expect(await readFile(`${file}.damaged`, 'utf8')).toContain('7')
  })

  it('keep what holds of a file in which one part does not', async () => {
    await SettingsStore.open(file)
    await writeFile(file, '{"theme":"dark","language":"zh","autopilot":{"policy":{"hotOf":9,"lastOf":5},"powerProgram":null}}')
    const { value } = (await SettingsStore.open(file)).settings
    expect(value).toMatchObject({ theme: 'dark', language: 'zh', autopilot: { policy: { hotOf: 3, lastOf: 5 } } })
    expect(await readdir(join(folder, 'data'))).toEqual(['settings.json.damaged'])
  })

  it('refuse what breaks their schema', async () => {
    const store = await SettingsStore.open(file)
    await expect(store.change({ theme: 'pink' as 'dark' })).rejects.toThrow()
    await expect(store.change({ lab: { startWithConsole: true, size: { ...usualLabPlan, guestMemoryMiB: 300 as 256 } } })).rejects.toThrow()
    expect(store.settings.value.theme).toBe('system')
  })
})

const ownHost: HostView = {
  name: 'schoolhost', address: 'root@xen1.school.example:2222', lab: 'own', state: 'ready', problem: null, checks: null, checkedAt: null,
  facts: { hostname: 'dom0-of-school', xen: '4.17', kernel: '6.1', cpuModel: 'x', cpus: 2, totalBytes: 1 }, agent: null,
  guests: [{ domid: 1, name: 'payroll', kind: 'pvh', state: 'running', memoryBytes: 1, vcpus: 1, workload: null }],
}

describe('the diagnostic bundle', () => {
  it('has no name, address, key or token of the user\'s in it', () => {
    const text = `schoolhost xen1.school.example root@xen1.school.example:2222 dom0-of-school ${os.homedir()}x 192.168.7.9 http://127.0.0.1:1/#token=abc-DEF_1
      -----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----`
    const redacted = redact(text, [ownHost])
    for (const secret of ['school', '192.168', 'AAAA', 'abc-DEF'])
      expect(redacted).not.toContain(secret)
    expect(redacted).toContain('127.0.0.1')
  })

  it('is one JSON document that names no guest', () => {
    const sources = { version: '1', shell: 'web', settings: { settings: { value: {} } }, hosts: { hosts: { value: [ownHost] } }, lab: { view: { value: {} } } }
    const { bytes } = diagnosticBundle(sources as unknown as Parameters<typeof diagnosticBundle>[0])
    const text = Buffer.from(bytes).toString('utf8')
    expect(JSON.parse(text)).toMatchObject({ hosts: [{ name: 'host-1', state: 'ready' }] })
    expect(text).not.toContain('payroll')
  })
})
