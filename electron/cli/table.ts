/** Plain text tables: columns two spaces apart, the first to the left, the rest to the right unless told otherwise. */

export type Alignment = 'left' | 'right'

function pad(text: string, width: number, alignment: Alignment): string {
  return alignment === 'left' ? text.padEnd(width) : text.padStart(width)
}

export function formatTable(rows: readonly (readonly string[])[], alignments: readonly Alignment[] = ['left']): string {
  const columns = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => pad(cell, widths[column]!, alignments[column] ?? 'right')).join('  ').trimEnd()
  return rows.map(line).join('\n')
}
