/** What compare.c prints: the agent's view of a guest beside the guest's own. */
import { z } from 'zod'

const pages = z.int().nonnegative()

const agreementSchema = z.object({
  /** The guest's kernel says so. */
  truth: pages,
  agreed: pages,
  missed: pages,
  /** The agent says so, the kernel does not. */
  extra: pages,
})
export type Agreement = z.infer<typeof agreementSchema>

export const comparedClasses = ['anon', 'cache', 'cacheMapped', 'slab', 'pageTable', 'huge', 'offline'] as const
export type ComparedClass = typeof comparedClasses[number]

const comparisonSchema = z.object({
  kernel: z.string(),
  levels: z.union([z.literal(4), z.literal(5)]),
  /** How far KASLR moved the kernel, in bytes. */
  kernelOffset: z.number(),
  sections: z.int(),
  frames: pages,
  /** The guest's account of itself, and how often the guest has since seen that it still holds. */
  account: pages,
  looks: pages,
  /** Free pages that hold something else than one repeated word. */
  freeMixed: pages,
  /** Frames of which the map and the look at one page do not say the same. */
  contradictions: pages,
  classes: z.object({
    free: agreementSchema,
    ...Object.fromEntries(comparedClasses.map(name => [name, agreementSchema])) as Record<ComparedClass, typeof agreementSchema>,
  }),
})
export type Comparison = z.infer<typeof comparisonSchema>

export function parseComparison(line: string): Comparison {
  return comparisonSchema.parse(JSON.parse(line))
}

/** Pages of which both say that they are of the class, in those of which one does; 1 when there are none. */
export function agreementShare({ agreed, missed, extra }: Agreement): number {
  const all = agreed + missed + extra
  return all === 0 ? 1 : agreed / all
}

function agreementText(agreement: Agreement, published: boolean): string {
  if (!published)
    return '-'
  return agreement.truth === 0 && agreement.extra === 0 ? 'none' : `${(100 * agreementShare(agreement)).toFixed(2)}%`
}

export interface TableRow {
  settings: string
  /** Whether the kernel itself tells which pages are of this class. */
  isPublished: (name: ComparedClass) => boolean
  comparison: Comparison
}

export function explorationTable(rows: readonly TableRow[]): string {
  const header = ['kernel', 'settings', 'levels', 'KASLR', 'pages', 'buddy', 'found', 'missed', 'false', 'free, mixed', ...comparedClasses]
  const lines = rows.map(({ settings, isPublished, comparison }) => {
    const { free } = comparison.classes
    return [
      comparison.kernel,
      settings,
      comparison.levels,
      comparison.kernelOffset === 0 ? 'no' : 'yes',
      comparison.frames,
      free.truth,
      free.agreed,
      free.missed,
      free.extra,
      comparison.freeMixed,
      ...comparedClasses.map(name => agreementText(comparison.classes[name], isPublished(name))),
    ].map(String)
  })
  const widths = header.map((title, column) => Math.max(title.length, ...lines.map(line => line[column]!.length)))
  const format = (cells: string[]): string => cells.map((cell, column) => column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  ')
  return [header, ...lines].map(format).join('\n')
}
