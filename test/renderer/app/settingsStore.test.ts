/** What the user changes counts at once: a second change must not undo the first because the console had not told of it yet. */
import type { Settings } from '../../../shared/contract/settings.ts'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'
import { useSettings } from '../../../renderer/app/stores.ts'
import { settingsSchema } from '../../../shared/contract/settings.ts'

const { calls, told } = vi.hoisted(() => ({
  calls: [] as { part: Partial<Settings>, resolve: () => void, reject: (why: Error) => void }[],
  told: { onValue: (_: Settings): void => {} },
}))

vi.mock('../../../renderer/app/connection.ts', () => ({
  call: async (ask: (client: unknown) => unknown) => ask({ settings: { change: async (part: Partial<Settings>) => new Promise<void>((resolve, reject) => calls.push({ part, resolve, reject })) } }),
  followStream: (_: unknown, { onValue }: { onValue: (value: Settings) => void }) => {
    told.onValue = onValue
  },
}))

const usual = settingsSchema.parse({})

beforeEach(() => {
  setActivePinia(createPinia())
  calls.length = 0
  useSettings().start()
  told.onValue(usual)
})

it('goes on from what was changed, told or not', async () => {
  const store = useSettings()
  const first = store.change({ theme: 'dark' })
  const second = store.change({ lab: { ...store.settings!.lab, startWithConsole: false } })
  expect(store.settings).toMatchObject({ theme: 'dark', lab: { startWithConsole: false } })
  told.onValue({ ...usual, theme: 'dark' })
  expect(store.settings, 'the console is one change behind').toMatchObject({ theme: 'dark', lab: { startWithConsole: false } })
  told.onValue({ ...usual, theme: 'dark', lab: { ...usual.lab, startWithConsole: false } })
  calls.forEach(({ resolve }) => resolve())
  await Promise.all([first, second])
  expect(store.settings).toEqual({ ...usual, theme: 'dark', lab: { ...usual.lab, startWithConsole: false } })
})

it('takes back what was refused, and only that', async () => {
  const store = useSettings()
  const refused = store.change({ theme: 'dark' })
  const taken = store.change({ language: 'zh' })
  told.onValue({ ...usual, language: 'zh' })
  calls[0]!.reject(new Error('no'))
  calls[1]!.resolve()
  await expect(refused).rejects.toThrow('no')
  await taken
  expect(store.settings).toEqual({ ...usual, language: 'zh' })
})
