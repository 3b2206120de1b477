import { words } from '../../app/words.ts'

export const settingsMessages = words({ title: 'Settings' } as const, { title: 'Settings' })
