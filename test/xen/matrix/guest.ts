/** A cell's guest on a lab host: created from files of its own, watched on its console, taken away again. */
import type { TestHost } from '../support/migrateOnce.ts'
import type { Cell } from './cells.ts'
import type { GuestFiles } from './guestFiles.ts'
import { Buffer } from 'node:buffer'

export const guest = { name: 'cell', heartbeatPort: 7777, address: '10.77.0.77' } as const

const mac = '00:16:3e:77:00:77'
const folder = '/var/tmp/cell'
/** What the device model of an HVM guest says, copies under way included. */
const deviceModelLogs = `/var/log/xen/qemu-dm-${guest.name}`
/** Also those of a copy under way, which has a name of its own. */
const consoleLogs = `/var/log/xen/console/guest-${guest.name}`
const consoleLog = `${consoleLogs}.log`
const createMs = 180_000
/** Larger guests have more to set up; the emulator takes about a minute a GiB. */
const bootSeconds = 300

/** Settings of resources/lab/guest/workload.c. */
export const lightWork = 'me2.memory=32 me2.file=4 me2.hot=8 me2.dirty=200 me2.check=400 me2.contents=text:2,rows:2,pointers:1,zeros:1'

function kernelParameters({ parameters }: Cell, hosts: readonly TestHost[], work: string): string {
  return [
    ...parameters === undefined ? [] : [parameters],
    'console=hvc0 loglevel=4 mitigations=off ipv6.disable=1',
    `me2.address=${guest.address}/24`,
    work,
    `me2.heartbeat=239.77.0.1:${guest.heartbeatPort} me2.hosts=${hosts.map(host => host.linkAddress).join()}`,
  ].join(' ')
}

function xlConfig(cell: Cell, { ramdisk }: GuestFiles, hosts: readonly TestHost[], work: string): string {
  const { kind, vcpus, memoryMiB } = cell
  const linux = ramdisk ? [`ramdisk = "${folder}/ramdisk"`, `extra = "${kernelParameters(cell, hosts, work)}"`] : []
  return [
    `name = "${guest.name}"`,
    `type = "${kind}"`,
    `kernel = "${folder}/kernel"`,
    ...linux,
    `memory = ${memoryMiB}`,
    `vcpus = ${vcpus}`,
    'tsc_mode = "native"',
    // of an HVM guest too only the paravirtual one: no ROM is needed for it
    `vif = [ "mac=${mac},bridge=xenbr0${kind === 'hvm' ? ',type=vif' : ''}" ]`,
    'on_crash = "preserve"',
    '',
  ].join('\n')
}

async function forgetWords(host: TestHost): Promise<void> {
  const { connection } = await host.handle.session()
  await connection.exec(['sh', '-c', 'rm -f "$1"* "$2"*', 'sh', consoleLogs, deviceModelLogs])
}

/** On both hosts: a device model loads them wherever its guest arrives. */
async function uploadFiles({ handle }: TestHost, files: GuestFiles): Promise<void> {
  const { connection } = await handle.session()
  await connection.exec(['mkdir', '-p', folder])
  await connection.upload(files.kernel, `${folder}/kernel`, 0o600)
  if (files.ramdisk)
    await connection.upload(files.ramdisk, `${folder}/ramdisk`, 0o600)
}

/** Throws with xl's words. */
export async function createGuest(cell: Cell, files: GuestFiles, hosts: readonly TestHost[], work = lightWork): Promise<void> {
  await Promise.all(hosts.map(forgetWords))
  await Promise.all(hosts.map(async host => uploadFiles(host, files)))
  const { connection } = await hosts[0]!.handle.session()
  await connection.upload(Buffer.from(xlConfig(cell, files, hosts, work)), `${folder}/config`, 0o600)
  const { code, stderr } = await connection.exec(['xl', 'create', '-q', `${folder}/config`], { timeoutMs: createMs })
  if (code !== 0)
    throw new Error(`xl create: ${stderr.trim().slice(0, 400)}`)
}

const waitScript = `until grep -q '^ME2 up=' "$1" 2>/dev/null; do
  if grep -q 'Kernel panic' "$1" 2>/dev/null; then exit 1; fi
  sleep 1
done`

/** Until its workload reports; a guest without one is given time to start. */
export async function awaitGuest(host: TestHost, { ramdisk }: GuestFiles): Promise<void> {
  const { connection } = await host.handle.session()
  const argv = ramdisk ? ['timeout', `${bootSeconds}`, 'sh', '-c', waitScript, 'sh', consoleLog] : ['sleep', '30']
  const { code } = await connection.exec(argv, { timeoutMs: (bootSeconds + 30) * 1000 })
  if (code !== 0)
    throw new Error(`the guest did not start its work: ${await lastWords(host)}`)
}

export async function lastWords(host: TestHost): Promise<string> {
  const { connection } = await host.handle.session()
  const { stdout } = await connection.exec(['sh', '-c', 'tail -qn 40 "$1"*; tail -n 8 "$2"* 2>/dev/null', 'sh', consoleLogs, deviceModelLogs])
  return stdout.toString().trim().slice(-3000)
}

/** Whether it said that anywhere on this host. */
export async function hasSaid(host: TestHost, words: string): Promise<boolean> {
  const { connection } = await host.handle.session()
  const { code } = await connection.exec(['sh', '-c', 'grep -qF "$1" "$2"*', 'sh', words, consoleLogs])
  return code === 0
}

/** Ends every copy of it, on every host. */
export async function destroyGuest(hosts: readonly TestHost[]): Promise<void> {
  for (const host of hosts) {
    const { connection } = await host.handle.session()
    await connection.exec(['sh', '-c', 'xl list | sed -n "s/^\\($1[^ ]*\\) .*/\\1/p" | xargs -r -n 1 xl destroy', 'sh', guest.name], { timeoutMs: createMs })
  }
}
