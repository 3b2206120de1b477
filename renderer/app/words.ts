/** How a feature gives its words: English is the form, Chinese must have every key of it. */
export type Words<English> = { [Key in keyof English]: English[Key] extends string ? string : Words<English[Key]> }

export function words<const English extends object>(en: English, zh: Words<English>): { en: English, zh: Words<English> } {
  return { en, zh }
}
