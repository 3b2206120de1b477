/** Everything behind the screens, put together: what the router serves, whichever shell it runs in. */
import type { SessionView } from '../shared/contract/session.ts'
import type { SecretStore } from './services/questions/questionBoard.ts'
import { join } from 'node:path'
import { deployAgent, removeAgent } from './services/agent/deploy.ts'
import { AuditLog } from './services/autopilot/auditLog.ts'
import { autopilotDesk } from './services/autopilot/autopilotDesk.ts'
import { DiskMaps } from './services/disk/diskMaps.ts'
import { HostRegistry } from './services/hosts/hostRegistry.ts'
import { openHostStore } from './services/hosts/hostStore.ts'
import { createLab, defaultCacheDir } from './services/lab/lab.ts'
import { LabJob } from './services/lab/labJob.ts'
import { GuestMaps } from './services/memory/guestMaps.ts'
import { RaceDesk } from './services/migration/raceDesk.ts'
import { raceOwner } from './services/migration/raceFacts.ts'
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
    plan: () => settings.settings.value.lab.size,
    timesFile: join(dataFolder, 'lab-times.json'),
    onHosts: async status => hosts.setBoxed(status),
  })
  const races = new RaceDesk({ hosts, runs: runStore, timing: defaultTiming, owner: raceOwner(), onRun: () => library.changed() })
  const autopilot = autopilotDesk({
    hosts, lab, settings, runs: runStore,
    audit: await AuditLog.open(join(dataFolder, 'autopilot', 'audit.jsonl')),
    timing: defaultTiming,
    owner: raceOwner(),
    isBusy: () => races.isBusy,
    onRun: () => library.changed(),
  })
  const maps = new GuestMaps(hosts)
  const disks = new DiskMaps(hosts, defaultTiming.requestMs)
  await hosts.load()

  return {
    shell,
    version,
    questions,
    settings,
    hosts,
    maps,
    disks,
    lab,
    races,
    autopilot,
    runs: library,
    folders: { runs: runsFolder, lab: defaultCacheDir() },
    /** Adopts a boxed lab that runs; otherwise starts one, where the user wants it with the console and `mayStart`. */
    async bringUpLab({ mayStart }: { mayStart: boolean }): Promise<void> {
      await lab.look()
      if (mayStart && settings.settings.value.lab.startWithConsole && lab.view.value.state !== 'running')
        lab.up()
    },
    /** Ends what this console began, the lab included: a race or a move is cancelled where it still can be, and waited for. */
    async close(): Promise<void> {
      questions.close()
      races.cancel()
      await autopilot.stop()
      await races.ended()
      await lab.close()
      await hosts.close()
    },
  }
}
