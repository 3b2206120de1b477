/** As much of the console's services as the contract suite calls, and what they saw. */
import type { Console } from '../../electron/console.ts'
import type { ListedRun } from '../../shared/contract/runs.ts'
import { Watched } from '../../electron/services/watched.ts'
import { Me2Error } from '../../shared/errors.ts'

export interface FakeConsole {
  console: Console
  /** Followers of the settings at this moment. */
  followers: Watched<number>
  imported: Uint8Array[]
  cancelled: number
}

const settings = {
  language: 'en',
  theme: 'dark',
  race: { repeats: 2, encoder: 'rle', level: null, cacheMiB: 0, link: 'sealed', rateMbit: 20, verify: true, scrub: true, settleMs: 0 },
  lab: { startWithConsole: false, size: { guestMemoryMiB: 256, twin: false } },
} as const

/** A run of each kind of failure; the ids are what the suite asks for. */
async function getRun(id: string): Promise<ListedRun> {
  if (id === 'bug')
    throw new TypeError('of the service, with a path in it')
  throw new Me2Error('run-not-found', `There is no run ${id}.`, 'Look at the list of runs.')
}

async function* brokenEvents(): AsyncGenerator<[]> {
  yield []
  throw new Me2Error('run-corrupt', 'The run\'s events end in the middle.', 'Import it again.')
}

export function createFakeConsole(): FakeConsole {
  const followers = new Watched(0)
  const fake = {
    console: {
      version: '1.2.3',
      shell: 'web',
      questions: { canKeep: false },
      settings: { settings: new Watched(settings, count => followers.set(count)) },
      races: {
        cancel: () => {
          fake.cancelled++
          return { accepted: true, reason: null }
        },
      },
      runs: {
        get: getRun,
        events: brokenEvents,
        import: async (bytes: Uint8Array) => {
          fake.imported.push(bytes)
          return 'imported'
        },
        export: async () => ({ name: 'run.me2run', mediaType: 'application/octet-stream', bytes: fake.imported.at(-1) ?? new Uint8Array() }),
      },
    } as unknown as Console,
    followers,
    imported: [] as Uint8Array[],
    cancelled: 0,
  }
  return fake
}
