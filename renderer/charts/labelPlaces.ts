/** Labels at the ends of lines that do not lie on one another. Pure. */

const leastApart = 15

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
