import { words } from '../../app/words.ts'

export const hostsMessages = words({ title: 'Hosts' } as const, { title: 'Hosts' })
