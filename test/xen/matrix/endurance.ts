/**
 * `npm run endurance`: ME2 migrations of one guest in a row, there and back, with the work of `db` and pages allocated and
 * freed all the time. Each is verified page by page, and the guest checks itself. Stops at the first that is not well.
 *
 *   npm run endurance -- [--times N]
 */
import type { Encoding } from '../../../shared/model/encoding.ts'
import type { Cell } from './cells.ts'
import type { Hosts } from './ownLab.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { presets } from '../../../shared/model/encoding.ts'
import { migrateOnce } from '../support/migrateOnce.ts'
import { planOf } from './cells.ts'
import { awaitGuest, createGuest, destroyGuest, guest } from './guest.ts'
import { guestFiles } from './guestFiles.ts'
import { crashedByEmulator, inLab, log } from './ownLab.ts'

/** As much as `db` has, and what its kernel loses: after each migration 1 MB more is in use (seen: a guest of 256 MiB was out of memory after 91). */
const cell: Cell = { kind: 'pvh', kernel: '6.1', vcpus: 1, memoryMiB: 256 + 128 }
const work = 'me2.memory=72 me2.file=4 me2.hot=64 me2.dirty=1000 me2.check=400 me2.contents=rows:10,numbers:2,pointers:1 me2.churn=1000'
const turns: Encoding[] = [presets.best, presets.paper, { encoder: 'zstd', level: 3, cacheMiB: 16 }]
const usualTimes = 100

interface Tally {
  migrated: number
  compared: number
  differing: number
  bad: number
  resent: number
  emulatorCrashes: number
}

/** False if it did not end as it must. */
async function once(hosts: Hosts, tally: Tally): Promise<boolean> {
  const [source, target] = tally.migrated % 2 === 0 ? hosts : [hosts[1], hosts[0]]
  const { result } = await migrateOnce(source, target, guest, { encoding: turns[tally.migrated % turns.length] })
  const { outcome, verify, guestBad, swept, summary, problem } = result
  if (outcome !== 'migrated') {
    log(`  ${summary} ${problem?.message ?? ''}`)
    return false
  }
  tally.migrated++
  tally.compared += verify?.compared ?? 0
  tally.differing += verify?.differing ?? 1
  tally.bad += guestBad ?? 1
  tally.resent += swept?.resent ?? 0
  log(`  ${tally.migrated}: ${(result.linkBytes / 1e6).toFixed(1)} MB in ${((result.totalMs ?? 0) / 1000).toFixed(1)} s, verify ${JSON.stringify(verify)}, bad ${guestBad}, swept ${JSON.stringify(swept)}`)
  return tally.differing === 0 && tally.bad === 0
}

/** A guest that the emulator crashed is started anew, on the host where the next migration begins. */
async function run(hosts: Hosts, times: number, folder: string): Promise<Tally> {
  const tally: Tally = { migrated: 0, compared: 0, differing: 0, bad: 0, resent: 0, emulatorCrashes: 0 }
  const files = await guestFiles(cell.kernel, folder)
  const start = async (): Promise<void> => {
    const order = tally.migrated % 2 === 0 ? hosts : [hosts[1], hosts[0]]
    await createGuest(cell, files, order, work)
    await awaitGuest(order[0]!, files)
  }
  await start()
  while (tally.migrated < times) {
    if (await once(hosts, tally))
      continue
    if (tally.differing > 0 || tally.bad > 0 || !await crashedByEmulator(hosts))
      break
    tally.emulatorCrashes++
    await destroyGuest(hosts)
    await start()
  }
  await destroyGuest(hosts)
  return tally
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { times: { type: 'string', default: `${usualTimes}` } } })
  const times = Number(values.times)
  const folder = await mkdtemp(join(tmpdir(), 'me2-endurance-'))
  try {
    const tally = await inLab(planOf({ xen: ['4.17', '4.17'], roomMiB: 512, cells: [] }), async hosts => run(hosts, times, folder))
    process.stdout.write(`${JSON.stringify(tally)}\n`)
    process.exitCode = tally.migrated === times && tally.differing === 0 && tally.bad === 0 ? 0 : 1
  }
  finally {
    await rm(folder, { recursive: true, force: true })
  }
}

void main()
