import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openHostStore } from '../../../electron/services/hosts/hostStore.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'me2-hosts-'))
  file = path.join(folder, 'data', 'hosts.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const xen1 = { name: 'left', address: 'root@xen1' }
const xen2 = { name: 'right', address: 'xen2' }

it('starts empty and writes nothing until a host is added', async () => {
  expect(await openHostStore(file).list()).toEqual([])
  expect(existsSync(file)).toBe(false)
})

it('keeps hosts across a restart, in the order they came', async () => {
  await openHostStore(file).add(xen1)
  await openHostStore(file).add(xen2)
  expect(await openHostStore(file).list()).toEqual([xen1, xen2])
  expect(readdirSync(path.dirname(file))).toEqual(['hosts.json'])
})

it('gives a host of the same name its new address', async () => {
  const store = openHostStore(file)
  await store.add(xen1)
  await store.add({ ...xen1, address: 'root@elsewhere' })
  expect(await store.list()).toEqual([{ ...xen1, address: 'root@elsewhere' }])
})

it('removes a host, and says when there was none', async () => {
  const store = openHostStore(file)
  await store.add(xen1)
  expect([await store.remove('left'), await store.remove('left')]).toEqual([true, false])
  expect(await store.list()).toEqual([])
})

it('loses nothing when changes come all at once', async () => {
  const store = openHostStore(file)
  const hosts = Array.from({ length: 20 }, (_, index) => ({ name: `host ${index}`, address: `xen${index}` }))
  await Promise.all(hosts.map(async host => store.add(host)))
  expect(await store.list()).toEqual(hosts)
})

it('stores name and address and nothing else, so that no secret can get in', async () => {
  await openHostStore(file).add({ ...xen1, ...{ password: 'secret' } })
  expect(readFileSync(file, 'utf8')).not.toContain('secret')
})

it('refuses a host without a name', async () => {
  await expect(openHostStore(file).add({ name: '', address: 'xen1' })).rejects.toMatchObject({ code: 'usage' })
})

it('does not overwrite a file that it cannot read', async () => {
  const damaged = path.join(folder, 'hosts.json')
  writeFileSync(damaged, '{"version":1,"hosts":[{')
  await expect(openHostStore(damaged).list()).rejects.toMatchObject({ code: 'config-refused' })
  await expect(openHostStore(damaged).add(xen1)).rejects.toMatchObject({ code: 'config-refused' })
  expect(readFileSync(damaged, 'utf8')).toBe('{"version":1,"hosts":[{')
})
