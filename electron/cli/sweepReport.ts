/** A sweep as a table for a human: at each link rate what each method took, which was the fastest, and where that changes. */
import type { SweepCell, SweepRow, SweepTable } from '../../shared/model/sweep.ts'
import type { RaceResult } from '../services/migration/race.ts'
import { formatBytes, formatCap, formatMs, formatRatio, sentences } from '../../shared/model/format.ts'
import { sweepTable } from '../../shared/model/sweep.ts'
import { emulated } from './raceReport.ts'
import { formatTable } from './table.ts'

const lines: readonly { title: string, of: (cell: SweepCell) => string }[] = [
  { title: 'total time', of: ({ totalMs }) => formatMs(totalMs) },
  { title: 'sent', of: ({ linkBytes }) => formatBytes(linkBytes) },
  { title: 'time ÷ stock', of: ({ timeRatio }) => timeRatio === null ? '' : formatRatio(timeRatio) },
]

/** `ME2 rle`, so that no encoder is taken for another. */
function methodName(method: string): string {
  return method === 'stock' ? method : `ME2 ${method}`
}

function rowsOf({ rateMbit, cells, fastest }: SweepRow, methods: readonly string[]): string[][] {
  return lines.map(({ title, of }, index) => {
    const figures = methods.map(method => cells[method] ? of(cells[method]) : index === 0 ? 'not measured' : '')
    return [index === 0 ? formatCap(rateMbit) : '', title, ...figures, index === 0 && fastest !== null ? methodName(fastest) : '']
  })
}

function crossoverLines({ crossovers, rows }: SweepTable): string[] {
  if (rows.filter(({ fastest }) => fastest !== null).length < 2)
    return []
  if (crossovers.length === 0)
    return ['The same method is the fastest at every rate.']
  return crossovers.map(({ fromMbit, toMbit, from, to }) => `Between ${formatCap(fromMbit)} and ${formatCap(toMbit)} the fastest changes from ${methodName(from)} to ${methodName(to)}.`)
}

export function sweepReport({ runs, problem }: RaceResult): string {
  const trouble = problem ? [`The sweep ended early: ${sentences(problem.message, problem.action)}`] : []
  const first = runs[0]
  if (!first)
    return trouble.join('\n')
  const table = sweepTable(runs)
  const header = ['link', '', ...table.methods.map(methodName), 'fastest']
  const body = table.rows.flatMap(row => rowsOf(row, table.methods))
  const alignments = ['left', 'left', ...table.methods.map(() => 'right' as const), 'left'] as const
  return [
    '', formatTable([header, ...body], alignments), '',
    ...crossoverLines(table), 'One run a figure: small differences are no differences.', ...(first.lab === 'boxed' ? [emulated] : []), ...trouble,
  ].join('\n')
}
