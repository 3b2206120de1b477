/**
 * What a page frame is to its guest. The numbers are those of resources/agent/src/page_class.h: they travel in map
 * frames and stand in saved files, so they are appended to and never renumbered.
 */
export const pageClasses = [
  { id: 'unknown', label: 'unknown, not present' },
  { id: 'free', label: 'free (buddy)' },
  { id: 'zero', label: 'zero' },
  { id: 'anon', label: 'user anonymous' },
  { id: 'cache', label: 'page cache' },
  { id: 'cacheMapped', label: 'page cache, mapped' },
  { id: 'swapCache', label: 'swap cache' },
  { id: 'slab', label: 'slab' },
  { id: 'pageTable', label: 'page table' },
  { id: 'huge', label: 'huge page' },
  { id: 'kernelOther', label: 'kernel other' },
  { id: 'offline', label: 'offline, ballooned' },
  { id: 'reserved', label: 'reserved' },
] as const

export type PageClassId = typeof pageClasses[number]['id']

/** Bytes of one page frame. */
export const pageBytes = 4096

export interface PageClassCount {
  id: PageClassId
  label: string
  pages: number
  bytes: number
  /** Part of all frames, 0 … 1. */
  share: number
}

/**
 * Counts class bytes. A class this version does not know counts as unknown: a newer agent may have appended one.
 * The answer has one row a class, in the order of their numbers.
 */
export function countPageClasses(classes: Uint8Array): PageClassCount[] {
  const pages = Array.from<number>({ length: pageClasses.length }).fill(0)
  for (const value of classes)
    pages[value < pageClasses.length ? value : 0]! += 1
  return pageClasses.map((pageClass, index) => ({
    ...pageClass,
    pages: pages[index]!,
    bytes: pages[index]! * pageBytes,
    share: classes.length === 0 ? 0 : pages[index]! / classes.length,
  }))
}
