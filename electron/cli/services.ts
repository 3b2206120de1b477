/** The services as the command line uses them: the user's folders, the terminal for secrets, the built agent. */
import type { HostKeyQuestion } from '../services/ssh/hostKeys.ts'
import type { Services } from './command.ts'
import type { Terminal } from './terminal.ts'
import { join } from 'node:path'
import process from 'node:process'
import { dataFolder, resourcesFolder } from '../folders.ts'
import { deployAgent, removeAgent } from '../services/agent/deploy.ts'
import { AuditLog } from '../services/autopilot/auditLog.ts'
import { openHostStore } from '../services/hosts/hostStore.ts'
import { createLab, defaultCacheDir } from '../services/lab/lab.ts'
import { defaultTiming } from '../services/migration/timing.ts'
import { createRunStore } from '../services/runs/runStore.ts'
import { connect } from '../services/ssh/connect.ts'
import { resolveTarget } from '../services/ssh/resolveTarget.ts'
import { createAskSecret } from './secrets.ts'

/** An emulated host that is busy takes its time. */
const connectTimeoutMs = 60_000

export function createServices({ acceptNew, terminal }: { acceptNew: boolean, terminal: Terminal }): Services {
  const folder = dataFolder()
  const ask = createAskSecret(process.stdin, text => process.stderr.write(text))
  const accept = async ({ host, port, keyType, fingerprint }: HostKeyQuestion): Promise<boolean> => {
    terminal.line(`${host} port ${port} is new here: ${keyType} ${fingerprint}${acceptNew ? '' : '; --accept-new accepts it'}`)
    return acceptNew
  }
  return {
    lab: createLab({ cacheDir: defaultCacheDir(), resourcesDir: join(resourcesFolder, 'lab'), log: line => terminal.line(line) }),
    runs: createRunStore(join(folder, 'runs')),
    audit: async () => AuditLog.open(join(folder, 'autopilot', 'audit.jsonl')),
    timing: defaultTiming,
    ownHosts: openHostStore(join(folder, 'hosts.json')),
    resolveTarget: spec => resolveTarget(spec),
    connect: async target => connect(target, { ownKnownHostsFile: join(folder, 'known_hosts'), acceptHostKey: accept, ask, timeoutMs: connectTimeoutMs }),
    deploy: async connection => deployAgent(connection, join(resourcesFolder, 'agent', 'build', 'agent'), { log: line => terminal.line(line) }),
    removeAgent,
  }
}
