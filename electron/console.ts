/** Everything behind the screens, put together: what the router serves, whichever shell it runs in. */
import type { SessionView } from '../shared/contract/session.ts'
import type { LabStatus } from './services/lab/types.ts'
import type { SecretStore } from './services/questions/questionBoard.ts'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { deployAgent, removeAgent } from './services/agent/deploy.ts'
import { HostRegistry } from './services/hosts/hostRegistry.ts'
import { openHostStore } from './services/hosts/hostStore.ts'
import { createLab, defaultCacheDir } from './services/lab/lab.ts'
import { LabJob } from './services/lab/labJob.ts'
import { RaceDesk } from './services/migration/raceDesk.ts'
import { defaultTiming } from './services/migration/timing.ts'
import { QuestionBoard } from './services/questions/questionBoard.ts'
import { createRunLibrary } from './services/runs/runLibrary.ts'
import { createRunStore } from './services/runs/runStore.ts'
import { SettingsStore } from './services/settings/settingsStore.ts'
import { connect } from './services/ssh/connect.ts'
import { resolveTarget } from './services/ssh/resolveTarget.ts'

export interface ConsoleOptions {
  /** Runs, settings, own hosts, known host keys. */
  dataFolder: string
  /** The folder resources, with the built agent in it. */
  resourcesFolder: string
  shell: SessionView['shell']
  version: string
  /** Without one no secret is kept. */
  secrets?: SecretStore
}

/** Printable ASCII, as the agent takes it. */
function owner(): string {
  return `${userInfo().username}@${hostname()}, process ${process.pid}`.replaceAll(/[^\x20-\x7E]/g, '?').slice(0, 100)
}

/** An emulated host that is busy takes its time. */
const connectTimeoutMs = 60_000

export type Console = Awaited<ReturnType<typeof createConsole>>

export async function createConsole({ dataFolder, resourcesFolder, shell, version, secrets }: ConsoleOptions) {
  const questions = new QuestionBoard(secrets)
  const runsFolder = join(dataFolder, 'runs')
  const runStore = createRunStore(runsFolder)
  const library = createRunLibrary({ own: runStore, folder: runsFolder, recordingsFolder: join(resourcesFolder, 'recordings') })
  const settings = await SettingsStore.open(join(dataFolder, 'settings.json'))
  const agentPath = join(resourcesFolder, 'agent', 'build', 'agent')
  const hosts = new HostRegistry({
    store: openHostStore(join(dataFolder, 'hosts.json')),
    resolveTarget,
    connect: async target => connect(target, {
      ownKnownHostsFile: join(dataFolder, 'known_hosts'),
      acceptHostKey: async question => questions.acceptHostKey(question),
      ask: questions.askSecret,
      timeoutMs: connectTimeoutMs,
    }),
    deploy: async connection => deployAgent(connection, agentPath, { log: () => {} }),
    removeAgent,
    requestMs: defaultTiming.requestMs,
  })
  const lab = new LabJob({
    createLab: log => createLab({ cacheDir: defaultCacheDir(), resourcesDir: join(resourcesFolder, 'lab'), log }),
    timesFile: join(dataFolder, 'lab-times.json'),
    onHosts: async (status: LabStatus | null) => hosts.setBoxed(status),
  })
  const races = new RaceDesk({ hosts, runs: runStore, timing: defaultTiming, owner: owner(), onRun: () => library.changed() })
  await hosts.load()

  return {
    shell,
    version,
    questions,
    settings,
    hosts,
    lab,
    races,
    runs: library,
    folders: { runs: runsFolder, lab: defaultCacheDir() },
    /** Ends what this console began: a race is cancelled where it still can be, and waited for. */
    async close(): Promise<void> {
      questions.close()
      races.cancel()
      await races.ended()
      await lab.cancel()
      await hosts.close()
    },
  }
}
