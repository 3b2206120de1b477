import type { Settings } from '../../../shared/contract/settings.ts'
import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { i18n } from '../../../renderer/app/i18n.ts'
import { useSession, useSettings } from '../../../renderer/app/stores.ts'
import SettingsScreen from '../../../renderer/features/settings/SettingsScreen.vue'
import { settingsSchema } from '../../../shared/contract/settings.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

/** The kit's own components as bare elements with what they were given. */
const stubs = {
  UIcon: true,
  UInputNumber: true,
  EncodingChoice: true,
  UButton: { template: '<button><slot /></button>' },
  UFormField: { props: ['label', 'help'], template: '<div :data-field="label"><slot /><p>{{ help }}</p></div>' },
  USelect: { props: ['modelValue', 'items'], emits: ['update:modelValue'], template: '<select><option v-for="item in items" :key="item.value" @click="$emit(\'update:modelValue\', item.value)">{{ item.label }}</option></select>' },
  UCheckbox: { props: ['label', 'modelValue'], emits: ['update:modelValue'], template: '<button :data-box="label" @click="$emit(\'update:modelValue\', !modelValue)" />' },
}

const change = vi.fn<(part: Partial<Settings>) => Promise<void>>()

beforeEach(() => {
  i18n.global.locale.value = 'en'
  setActivePinia(createPinia())
  change.mockReset().mockResolvedValue()
  useSession().session = { role: 'operator', version: '1', shell: 'web', canKeepSecrets: false }
  useSettings().change = change
})

function show(lab: Settings['lab']) {
  useSettings().settings = { ...settingsSchema.parse({}), lab }
  return mount(SettingsScreen, { global: { plugins: [i18n], stubs } })
}

describe('the size of the boxed lab', () => {
  it('offers what there is, and says what this machine must have for it', () => {
    const field = (lab: Settings['lab']) => show(lab).get('[data-field="Memory of each guest"]')
    const small = field({ startWithConsole: true, size: { ...usualLabPlan, guestMemoryMiB: 256, twin: false } })
    expect(small.findAll('option').map(option => option.text())).toEqual(['256 MiB', '384 MiB', '512 MiB', '768 MiB'])
    expect(small.text()).toContain('4.1 GB of memory free')
    expect(field({ startWithConsole: true, size: { ...usualLabPlan, guestMemoryMiB: 768, twin: true } }).text()).toContain('8.9 GB of memory free')
  })

  it('changes one thing and keeps the others', async () => {
    const screen = show({ startWithConsole: false, size: { ...usualLabPlan, guestMemoryMiB: 384, twin: true } })
    await screen.findAll('[data-field="Memory of each guest"] option')[2]!.trigger('click')
    await screen.get('[data-box="A twin of web"]').trigger('click')
    await screen.get('[data-box="Guests with disks"]').trigger('click')
    await screen.findAll('[data-field="Xen hosts"] option')[1]!.trigger('click')
    await screen.get('[data-box="Start it when the console starts"]').trigger('click')
    expect(change.mock.calls).toEqual([
      [{ lab: { startWithConsole: false, size: { ...usualLabPlan, guestMemoryMiB: 512, twin: true } } }],
      [{ lab: { startWithConsole: false, size: { ...usualLabPlan, guestMemoryMiB: 384, twin: false } } }],
      [{ lab: { startWithConsole: false, size: { ...usualLabPlan, guestMemoryMiB: 384, twin: true, disks: true } } }],
      [{ lab: { startWithConsole: false, size: { ...usualLabPlan, guestMemoryMiB: 384, twin: true, xen: ['4.17', '4.17', '4.17'] } } }],
      [{ lab: { startWithConsole: true, size: { ...usualLabPlan, guestMemoryMiB: 384, twin: true } } }],
    ])
  })
})
