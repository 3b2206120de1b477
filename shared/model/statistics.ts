/** Median, spread and ratio of a few repeated measurements. Pure; an empty list has no statistics (null). */

export interface Spread {
  count: number
  median: number
  min: number
  max: number
  /** First and third quartile, by linear interpolation between order statistics (Hyndman and Fan's type 7). */
  q1: number
  q3: number
}

/** `part` of 0 … 1 into the sorted values. */
function quantile(sorted: readonly number[], part: number): number {
  const position = (sorted.length - 1) * part
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (high - low) * (position - below)
}

/** Null for no values. Values must be finite. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0)
    return null
  const sorted = values.toSorted((a, b) => a - b)
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    min: sorted[0]!,
    max: sorted.at(-1)!,
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
  }
}

/** `numerator` ÷ `denominator` by their medians; null where either is missing or the denominator is 0. */
export function ratioOfMedians(numerator: Spread | null, denominator: Spread | null): number | null {
  if (!numerator || !denominator || denominator.median === 0)
    return null
  return numerator.median / denominator.median
}
