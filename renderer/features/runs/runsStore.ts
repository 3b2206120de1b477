/** The library as the console tells it, followed once for the whole app. Whoever needs it calls `start` first. */
import type { ExportFormat, ListedRun } from '../../../shared/contract/runs.ts'
import type { Language } from '../../app/i18n.ts'
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { call, followStream } from '../../app/connection.ts'
import { saveFile } from '../../app/files.ts'

export const useRuns = defineStore('runs', () => {
  /** Newest first; null until the console has told them. */
  const runs = shallowRef<readonly ListedRun[] | null>(null)
  let followed = false

  function start(): void {
    if (followed)
      return
    followed = true
    followStream(async (client, signal) => client.runs.watch(undefined, { signal }), { onValue: list => runs.value = list })
  }
  /** What the user says of a race is said of each of its runs. */
  async function describe(ids: readonly string[], about: { title: string, note: string }): Promise<void> {
    for (const id of ids)
      await call(async client => client.runs.describe({ id, ...about }))
  }
  async function remove(ids: readonly string[]): Promise<void> {
    await call(async client => client.runs.remove({ ids: [...ids] }))
  }
  async function restore(ids: readonly string[]): Promise<void> {
    await call(async client => client.runs.restore({ ids: [...ids] }))
  }
  async function importFile(bytes: Uint8Array): Promise<string> {
    return (await call(async client => client.runs.import({ bytes }))).id
  }
  /** A .me2run file holds one run: several runs are several files. */
  async function save(ids: readonly string[], format: ExportFormat, language: Language): Promise<void> {
    const files = format === 'me2run' ? ids.map(id => [id]) : [[...ids]]
    for (const some of files)
      saveFile(await call(async client => client.runs.export({ ids: some, format, language })))
  }
  return { runs, start, describe, remove, restore, importFile, save }
})
