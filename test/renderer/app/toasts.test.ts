import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { i18n } from '../../../renderer/app/i18n.ts'
import ToastList from '../../../renderer/app/ToastList.vue'
import { useToasts } from '../../../renderer/app/toasts.ts'

const stubs = { UIcon: true, UButton: { template: '<button><slot /></button>' } }
const { toasts, show, dismiss } = useToasts()

function open() {
  return mount(ToastList, { attachTo: document.body, global: { plugins: [i18n], stubs } })
}

beforeEach(() => vi.useFakeTimers())

afterEach(() => {
  toasts.value.forEach(({ id }) => dismiss(id))
  vi.useRealTimers()
})

describe('a notice', () => {
  it('is read out, and goes by itself', async () => {
    const list = open()
    show({ title: '1 run imported', icon: 'x' })
    await nextTick()
    expect(list.get('[aria-live=polite]').text()).toContain('1 run imported')
    await vi.advanceTimersByTimeAsync(4900)
    expect(toasts.value).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(list.findAll('li')).toHaveLength(0)
    list.unmount()
  })

  it('stays while the focus is in it: an undo must not vanish under one\'s fingers', async () => {
    const run = vi.fn()
    const list = open()
    show({ title: '1 run deleted', icon: 'x', lastsMs: 1000, action: { label: 'Undo', run } })
    await nextTick()
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 'F8' }))
    expect(document.activeElement?.textContent).toBe('Undo')
    await vi.advanceTimersByTimeAsync(60_000)
    await list.get('button').trigger('click')
    expect(run).toHaveBeenCalledOnce()
    expect(list.findAll('li')).toHaveLength(0)
    list.unmount()
  })

  it('makes room for newer ones', () => {
    for (let count = 1; count <= 7; count++)
      show({ title: `${count}`, icon: 'x' })
    expect(toasts.value.map(({ title }) => title)).toEqual(['3', '4', '5', '6', '7'])
  })
})
