import type { KernelSpec } from '../kernels/kernels.ts'
/**
 * Memory Exploration on four kernels, page by page against what each kernel says of itself. If this fails, a migration
 * may leave out pages that hold something, or send pages that hold nothing.
 */
import type { ComparedClass, TableRow } from './exploration/comparison.ts'
import type { Exploration, MachineSettings } from './exploration/machine.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kernelFolder, kernels } from '../kernels/kernels.ts'
import { agreementShare, comparedClasses, explorationTable } from './exploration/comparison.ts'
import { exploreKernel } from './exploration/machine.ts'
import { buildTools } from './exploration/tools.ts'

interface Trial extends MachineSettings {
  settings: string
  /** What the kernel writes into pages when they are freed, if it does. */
  freeIsConstant: boolean
  /** Memory that is offline or ballooned out, and the PCI hole. */
  awayMib: number
}

const pagesPerMib = 256

const trials: Trial[] = [
  { settings: 'default', kernelArguments: '', freeIsConstant: false, awayMib: 0 },
  {
    // A kernel that KASLR put into the movable zone would keep its memory block from going offline.
    settings: 'init_on_free=1, 4 levels, no KASLR, HVO, block offline',
    kernelArguments: 'init_on_free=1 no5lvl nokaslr hugetlb_free_vmemmap=on movablecore=256M explore.offline',
    freeIsConstant: true,
    awayMib: 128,
  },
  {
    settings: 'page_poison=1, PCI hole, balloon',
    kernelArguments: 'page_poison=1 explore.balloon',
    lowMib: 256,
    balloonMib: 480,
    freeIsConstant: true,
    awayMib: 4096 - 256 + (512 - 480),
  },
]

/** Pages that the guest makes of each class, at the least. Offline ones are another matter in each trial. */
const leastPages: Record<Exclude<ComparedClass, 'offline'>, number> = {
  anon: 5000,
  cache: 2000,
  cacheMapped: 1000,
  slab: 1000,
  pageTable: 64,
  huge: 4096,
}

const cases = kernels.flatMap(kernel => trials.map(trial => ({ name: `${kernel.version}, ${trial.settings}`, kernel, trial })))
const outcomes = new Map<string, Promise<Exploration>>()
let folder = ''

async function outcomeOf(name: string): Promise<Exploration> {
  const outcome = outcomes.get(name)
  return outcome ?? Promise.reject(new Error('it was not tried'))
}

function isPublished(name: ComparedClass, { publishesPageTables, marksAbsent }: KernelSpec): boolean {
  return name === 'pageTable' ? publishesPageTables : name !== 'offline' || marksAbsent
}

/** One machine a CPU at a time. A failure is kept for the test that asks for it. */
async function exploreAll(): Promise<void> {
  const tools = await buildTools(folder)
  const folders = new Map<KernelSpec, string>()
  for (const kernel of kernels)
    folders.set(kernel, await kernelFolder(kernel))
  const queue = [...cases]
  async function work(): Promise<void> {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const outcome = exploreKernel(folders.get(next.kernel)!, next.trial, tools)
      outcomes.set(next.name, outcome)
      await outcome.catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work))
}

async function printTable(): Promise<void> {
  const rows: TableRow[] = []
  for (const { name, kernel, trial } of cases) {
    const outcome = await outcomeOf(name).catch(() => null)
    if (outcome)
      rows.push({ settings: trial.settings, isPublished: name => isPublished(name, kernel), comparison: outcome.comparison })
  }
  process.stdout.write(`\n${explorationTable(rows)}\n\n`)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-explore-'))
  await exploreAll()
  await printTable()
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe.each(cases)('linux $name', ({ name, kernel, trial }) => {
  it('finds the free pages, and calls none free that is not', async () => {
    const { comparison } = await outcomeOf(name)
    const { free } = comparison.classes
    expect(free.truth).toBeGreaterThan(20_000)
    expect(free.extra).toBe(0)
    expect(free.agreed / free.truth).toBeGreaterThanOrEqual(0.99)
    expect(comparison.contradictions).toBe(0)
  })

  it.each(comparedClasses.filter(className => isPublished(className, kernel)))('agrees on %s pages', async (className) => {
    const { comparison } = await outcomeOf(name)
    const agreement = comparison.classes[className]
    if (className !== 'offline')
      expect(agreement.truth).toBeGreaterThanOrEqual(leastPages[className])
    expect(agreementShare(agreement)).toBeGreaterThanOrEqual(0.99)
  })

  it('shows the console the same free pages', async () => {
    const { comparison, map } = await outcomeOf(name)
    expect(map.find(({ id }) => id === 'free')?.pages).toBe(comparison.classes.free.agreed + comparison.classes.free.extra)
  })

  it(trial.freeIsConstant ? 'sees that free pages hold a constant' : 'sees old data in free pages', async () => {
    const { comparison: { freeMixed, classes } } = await outcomeOf(name)
    const share = freeMixed / classes.free.truth
    if (trial.freeIsConstant)
      expect(share).toBeLessThan(0.001)
    else
      expect(share).toBeGreaterThan(0.15)
  })
})

describe('pages that are away', () => {
  it.each(cases.filter(({ kernel, trial }) => trial.awayMib > 0 && kernel.marksAbsent))('$name: at least those taken', async ({ name, trial }) => {
    const { comparison } = await outcomeOf(name)
    expect(comparison.classes.offline.truth).toBeGreaterThanOrEqual(trial.awayMib * pagesPerMib)
  })
})
