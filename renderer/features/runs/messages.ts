import { words } from '../../app/words.ts'

export const runsMessages = words({ title: 'Runs' } as const, { title: 'Runs' })
