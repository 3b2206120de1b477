import { words } from '../../app/words.ts'

export const homeMessages = words({ title: 'Home' } as const, { title: 'Home' })
