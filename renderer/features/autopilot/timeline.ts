/** One list of points for each stretch without a gap, as SVG has them. `x` takes how many samples ago. */
export function lineSegments(loads: readonly (number | null)[], x: (back: number) => number, y: (share: number) => number): string[] {
  const stretches: string[][] = [[]]
  for (const [i, load] of loads.entries()) {
    if (load === null)
      stretches.push([])
    else
      stretches.at(-1)!.push(`${x(loads.length - 1 - i).toFixed(1)},${y(load).toFixed(1)}`)
  }
  return stretches.filter(points => points.length > 0).map(points => points.join(' '))
}
