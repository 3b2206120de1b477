/** The autopilot's memory of what it saw, decided and did: one JSON object a line, in a file that is only ever appended to. */
import type { AuditEntry, Happening } from '../../../shared/model/autopilot/audit.ts'
import { appendFile, mkdir, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { auditEntrySchema } from '../../../shared/model/autopilot/audit.ts'

/** Then it is put aside as FILE.old, in place of the one before. */
const maxBytes = 8 * 1024 * 1024
const keptEntries = 200

function parsed(line: string): AuditEntry[] {
  try {
    const { success, data } = auditEntrySchema.safeParse(JSON.parse(line))
    return success ? [data] : []
  }
  catch {
    return []
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(({ size }) => size, () => 0)
}

export class AuditLog {
  /** The newest last. */
  entries: AuditEntry[]
  private readonly file: string | null
  private written: Promise<void> = Promise.resolve()

  private constructor(file: string | null, entries: AuditEntry[]) {
    this.file = file
    this.entries = entries
  }

  /** For who only looks: nothing is kept. */
  static inMemory(): AuditLog {
    return new AuditLog(null, [])
  }

  /** Lines that nobody can read, as after a crash in the middle of one, are passed over. */
  static async open(file: string): Promise<AuditLog> {
    await mkdir(dirname(file), { recursive: true })
    const text = await sizeOf(file) > 2 * maxBytes ? '' : await readFile(file, 'utf8').catch(() => '')
    return new AuditLog(file, text.split('\n').slice(-keptEntries - 1).flatMap(line => line === '' ? [] : parsed(line)))
  }

  /** A file that cannot be written stops no migration: the entry is still shown. */
  add(happening: Happening): void {
    const entry = { at: new Date().toISOString(), ...happening }
    this.entries = [...this.entries, entry].slice(-keptEntries)
    const { file } = this
    if (file === null)
      return
    this.written = this.written.then(async () => {
      if (await sizeOf(file) > maxBytes)
        await rename(file, `${file}.old`)
      await appendFile(file, `${JSON.stringify(entry)}\n`)
    }).catch(() => {})
  }

  /** All of the present file. */
  async text(): Promise<string> {
    await this.written
    return this.file === null ? '' : readFile(this.file, 'utf8').catch(() => '')
  }
}
