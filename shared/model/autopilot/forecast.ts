/** What comes next in a series of loads that has gaps. */

/** With fewer the series tells nothing of how it hangs together. */
const leastPairs = 3

/**
 * One step ahead by an autoregressive model of order 1: mean + φ (last − mean), φ from the Yule-Walker equation r₁ / r₀ (Box, Jenkins,
 * Reinsel, Time Series Analysis, 3.2). Pairs with a gap between them are left out. A series that is constant, or too short for a
 * φ, is forecast to stay as it was last. Null where nothing is known.
 */
export function forecast(series: readonly (number | null)[]): number | null {
  const known = series.filter(value => value !== null)
  const last = known.at(-1)
  if (last === undefined)
    return null
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length
  const products = series.slice(1).flatMap((value, i) => {
    const before = series[i]
    return value === null || before === null || before === undefined ? [] : [(value - mean) * (before - mean)]
  })
  if (products.length < leastPairs || variance === 0)
    return last
  const covariance = products.reduce((sum, product) => sum + product, 0) / products.length
  const phi = Math.max(-1, Math.min(1, covariance / variance))
  return mean + phi * (last - mean)
}
