/** What `promise` resolves to, or null once `ms` have passed without. */
export async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | null> {
  const late = Promise.withResolvers<null>()
  const timer = setTimeout(() => late.resolve(null), ms)
  try {
    return await Promise.race([promise, late.promise])
  }
  finally {
    clearTimeout(timer)
  }
}
