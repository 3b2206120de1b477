import { words } from '../../app/words.ts'

export const memoryMessages = words({ title: 'Memory' } as const, { title: 'Memory' })
