/**
 * Short notices that come and go by themselves, wherever the user is. The kit's own toaster has stops for the tab key that
 * are hidden from screen readers, which nobody can be led to (axe: aria-hidden-focus); these stand in the page as they are.
 */
import type { Ref } from 'vue'
import { readonly, shallowRef } from 'vue'

export interface Toast {
  id: number
  title: string
  description: string
  /** Of the icons that stand literally in the source. */
  icon: string
  isError: boolean
  /** Goes on counting only while nobody points at it or has the focus in it. */
  lastsMs: number
  action: { label: string, run: () => void } | null
}

const mostShown = 5
const usualMs = 5000
const toasts = shallowRef<readonly Toast[]>([])
let nextId = 1

export function useToasts(): { toasts: Readonly<Ref<readonly Toast[]>>, show: (toast: Pick<Toast, 'title' | 'icon'> & Partial<Toast>) => void, dismiss: (id: number) => void } {
  return {
    toasts: readonly(toasts),
    show: (toast) => {
      toasts.value = [...toasts.value, { description: '', isError: false, lastsMs: usualMs, action: null, ...toast, id: nextId++ }].slice(-mostShown)
    },
    dismiss: (id) => {
      toasts.value = toasts.value.filter(toast => toast.id !== id)
    },
  }
}
