/** A boxed lab of its own, beside whatever runs already: with no guests but those that its user starts. */
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { TestHost } from '../support/migrateOnce.ts'
import { join } from 'node:path'
import process from 'node:process'
import { createLab, defaultCacheDir } from '../../../electron/services/lab/lab.ts'
import { labResources, openHost } from '../support/migrateOnce.ts'
import { hasSaid } from './guest.ts'

export type Hosts = [TestHost, TestHost]

export const log = (line: string): boolean => process.stderr.write(`${line}\n`)

/**
 * The interrupt that QEMU delivers twice (see test/xen/support/boxedLab.ts). On kernels before 6.1 the page faults that follow
 * overwrite its name on the small stack of the entry code, which is named then.
 */
const emulatorSignatures = ['asm_sysvec_xen_hvm_callback', '<ENTRY_TRAMPOLINE>']

export async function crashedByEmulator(hosts: Hosts): Promise<boolean> {
  const said = await Promise.all(hosts.flatMap(host => emulatorSignatures.map(async words => hasSaid(host, words))))
  return said.includes(true)
}

/** Starts it, lends its hosts, ends it. */
export async function inLab<T>(plan: LabPlan, use: (hosts: Hosts) => Promise<T>): Promise<T> {
  const lab = createLab({ cacheDir: join(defaultCacheDir(), 'matrix'), resourcesDir: labResources, log })
  await lab.down()
  const status = await lab.up({ plan }, ({ phase, detail, elapsedMs }) => log(`  lab ${(elapsedMs / 1000).toFixed(0)} s ${phase}: ${detail}`))
  const hosts = status.hosts.map(host => openHost(host)) as Hosts
  try {
    return await use(hosts)
  }
  finally {
    await Promise.all(hosts.map(async ({ handle }) => handle.close()))
    await lab.down()
  }
}
