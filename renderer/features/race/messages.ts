import { words } from '../../app/words.ts'

export const raceMessages = words({ title: 'Race' } as const, { title: 'Race' })
