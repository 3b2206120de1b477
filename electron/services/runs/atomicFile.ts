import type { Buffer } from 'node:buffer'
import { open, rename } from 'node:fs/promises'
import process from 'node:process'

/** Written beside, synced, then renamed: a reader sees the old file or the new one. */
export async function writeAtomically(path: string, ...parts: readonly (string | Buffer | Uint8Array)[]): Promise<void> {
  const temporary = `${path}.${process.pid}.new`
  const file = await open(temporary, 'w', 0o644)
  try {
    for (const part of parts)
      await file.writeFile(part)
    await file.sync()
  }
  finally {
    await file.close()
  }
  await rename(temporary, path)
}
