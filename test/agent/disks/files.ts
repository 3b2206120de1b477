/** Files for file systems to hold: sizes and contents from a fixed seed, so that every run makes the same. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const seed = 0x2545F491

function* numbers(): Generator<number, never> {
  for (let state = seed; ;) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    yield state >>> 0
  }
}

export interface Files {
  folder: string
  names: string[]
}

/** `count` files of up to `bytesMax`, a hundred to a folder. */
export async function makeFiles(folder: string, count: number, bytesMax: number): Promise<Files> {
  const random = numbers()
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    const group = `d${Math.floor(i / 100)}`
    if (i % 100 === 0)
      await mkdir(join(folder, group), { recursive: true })
    const name = `${group}/f${i}`
    await writeFile(join(folder, name), Buffer.alloc(1 + random.next().value % bytesMax, `${name} `))
    names.push(name)
  }
  return { folder, names }
}
