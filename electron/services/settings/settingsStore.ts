/** The user's settings in one small file. A damaged one is put aside, and what holds of it, or the defaults, is used: a console must start. */
import type { Settings } from '../../../shared/contract/settings.ts'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { settingsSchema } from '../../../shared/contract/settings.ts'
import { writeAtomically } from '../runs/atomicFile.ts'
import { Watched } from '../watched.ts'

export class SettingsStore {
  readonly settings: Watched<Settings>
  private readonly file: string
  private turn: Promise<unknown> = Promise.resolve()

  private constructor(file: string, settings: Settings) {
    this.file = file
    this.settings = new Watched(settings)
  }

  static async open(file: string): Promise<SettingsStore> {
    await mkdir(dirname(file), { recursive: true })
    return new SettingsStore(file, await readSettings(file))
  }

  /** Only the fields given change. */
  async change(part: Partial<Settings>): Promise<void> {
    const given = Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined))
    const settings = settingsSchema.parse({ ...this.settings.value, ...given })
    this.settings.set(settings)
    const saved = this.turn.then(async () => writeAtomically(this.file, `${JSON.stringify(settings, null, 2)}\n`))
    this.turn = saved.catch(() => {})
    await saved
  }
}

/** The parts of it that are settings still: a later console may be stricter about one of them. */
function soundParts(text: string): Settings {
  try {
    const parts = Object.entries(JSON.parse(text) as object).filter(([name, part]) => settingsSchema.safeParse({ [name]: part as unknown }).success)
    return settingsSchema.parse(Object.fromEntries(parts))
  }
  catch {
    return settingsSchema.parse({})
  }
}

async function readSettings(file: string): Promise<Settings> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  }
  catch {
    return settingsSchema.parse({})
  }
  try {
    return settingsSchema.parse(JSON.parse(text))
  }
  catch {
    await rename(file, `${file}.damaged`).catch(() => {})
    return soundParts(text)
  }
}
