/** Lines of loads with their gaps, and labels that do not lie on one another. Pure. */

const leastApart = 15

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

/** At least a line of text apart, none below `lowest`. */
export function labelPlaces<Label extends { y: number }>(labels: readonly Label[], lowest: number): Label[] {
  let above = -Infinity
  const spread = labels.toSorted((a, b) => a.y - b.y).map((label) => {
    above = Math.max(label.y, above + leastApart)
    return { ...label, y: above }
  })
  let below = lowest + leastApart
  return spread.toReversed().map((label) => {
    below = Math.min(label.y, below - leastApart)
    return { ...label, y: below }
  }).toReversed()
}
