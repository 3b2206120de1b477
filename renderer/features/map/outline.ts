/** The outline of a run of frames: its squares on the curve, and the edges that are not between two of them. */
import type { MapLayout } from './hilbert.ts'
import { cellOf } from './hilbert.ts'

export interface Square {
  column: number
  row: number
  side: number
}

export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

/** A line between two corners of cells. */
export type Edge = readonly [fromColumn: number, fromRow: number, toColumn: number, toRow: number]

/** The fewest aligned stretches of 4^j frames that make up the run: at most six for each step of j. */
export function squaresOf(layout: MapLayout, first: number, count: number): Square[] {
  const squares: Square[] = []
  const end = first + count
  for (let frame = first; frame < end;) {
    let side = 1
    while (frame % (4 * side * side) === 0 && frame + 4 * side * side <= end)
      side *= 2
    const { column, row } = cellOf(layout, frame)
    squares.push({ column: column - column % side, row: row - row % side, side })
    frame += side * side
  }
  return squares
}

export function boxOf(squares: readonly Square[]): Box {
  return {
    left: Math.min(...squares.map(({ column }) => column)),
    top: Math.min(...squares.map(({ row }) => row)),
    right: Math.max(...squares.map(({ column, side }) => column + side)),
    bottom: Math.max(...squares.map(({ row, side }) => row + side)),
  }
}

function sortedCoordinates(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

/** Squares do not overlap, so on a grid of all their edges a field is in or out. */
export function outlineOf(squares: readonly Square[]): Edge[] {
  const columns = sortedCoordinates(squares.flatMap(({ column, side }) => [column, column + side]))
  const rows = sortedCoordinates(squares.flatMap(({ row, side }) => [row, row + side]))
  const columnIndex = new Map(columns.map((column, index) => [column, index]))
  const rowIndex = new Map(rows.map((row, index) => [row, index]))
  const inside = new Uint8Array(columns.length * rows.length)
  for (const { column, row, side } of squares) {
    for (let y = rowIndex.get(row)!; y < rowIndex.get(row + side)!; y++)
      inside.fill(1, y * columns.length + columnIndex.get(column)!, y * columns.length + columnIndex.get(column + side)!)
  }
  const isIn = (x: number, y: number): number => x < 0 || y < 0 ? 0 : inside[y * columns.length + x]!
  const edges: Edge[] = []
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0; x < columns.length; x++) {
      if (isIn(x, y) !== isIn(x - 1, y))
        edges.push([columns[x]!, rows[y]!, columns[x]!, rows[y + 1]!])
      if (isIn(x, y) !== isIn(x, y - 1))
        edges.push([columns[x]!, rows[y]!, columns[x + 1]!, rows[y]!])
    }
  }
  return edges
}
