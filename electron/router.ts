/** The contract, answered by the services. Who may call what, and how problems travel, is settled here for every procedure. */
import type { Role } from '../shared/contract/procedure.ts'
import type { Console } from './console.ts'
import { implement } from '@orpc/server'
import { contract } from '../shared/contract/index.ts'
import { Me2Error } from '../shared/errors.ts'
import { readGuestPage } from './services/memory/guestPage.ts'
import { diagnosticBundle } from './services/settings/diagnostics.ts'
import { folderBytes } from './services/settings/folderBytes.ts'

export interface RouterContext {
  role: Role
  console: Console
}

const labEveryMs = 100
const listEveryMs = 200

const os = implement(contract).$context<RouterContext>().use(async ({ context, procedure, next }) => {
  if (procedure['~orpc'].meta.role === 'operator' && context.role !== 'operator')
    throw new Me2Error('not-operator', 'Only who operates this console may do that.', 'Ask the instructor.')
  return next()
})

/** What would take the lab away from under somebody. */
function busyLab({ races, autopilot }: Console): void {
  if (races.isBusy)
    throw new Me2Error('busy', 'A race is under way in the lab.', 'Wait for its end, or stop it.')
  if (autopilot.isOn && autopilot.view.value.lab === 'boxed')
    throw new Me2Error('busy', 'The autopilot has the lab.', 'Stop it.')
}

function busyAutopilot({ autopilot }: Console): void {
  if (autopilot.isMoving)
    throw new Me2Error('busy', 'The autopilot is moving a guest.', 'Wait until it has arrived, or stop the autopilot.')
}

export function createRouter() {
  return os.router({
    session: {
      hello: os.session.hello.handler(({ context: { role, console: { version, shell, questions } } }) => ({ role, version, shell, canKeepSecrets: questions.canKeep })),
      questions: os.session.questions.handler(({ context, signal }) => context.console.questions.open.follow({ signal })),
      answer: os.session.answer.handler(({ context, input }) => context.console.questions.answer(input.id, input.answer, input.keep)),
    },
    lab: {
      watch: os.lab.watch.handler(({ context, signal }) => context.console.lab.view.follow({ signal, everyMs: labEveryMs })),
      up: os.lab.up.handler(({ context }) => {
        busyLab(context.console)
        context.console.lab.up()
      }),
      down: os.lab.down.handler(async ({ context }) => {
        busyLab(context.console)
        await context.console.lab.down()
      }),
      reset: os.lab.reset.handler(async ({ context, input }) => {
        busyLab(context.console)
        await context.console.lab.reset(input.image)
      }),
      load: os.lab.load.handler(async ({ context, input }) => context.console.lab.load(input.guest, input.percent)),
    },
    hosts: {
      watch: os.hosts.watch.handler(({ context, signal }) => context.console.hosts.hosts.follow({ signal, everyMs: listEveryMs })),
      load: os.hosts.load.handler(({ context, signal }) => context.console.hosts.loads.follow({ signal })),
      add: os.hosts.add.handler(async ({ context, input }) => context.console.hosts.add(input.name, input.address)),
      edit: os.hosts.edit.handler(async ({ context, input }) => context.console.hosts.edit(input.host, input.name, input.address)),
      remove: os.hosts.remove.handler(async ({ context, input }) => context.console.hosts.remove(input.host)),
      probe: os.hosts.probe.handler(async ({ context, input }) => context.console.hosts.probe(input.host)),
      removeAgent: os.hosts.removeAgent.handler(async ({ context, input }) => context.console.hosts.removeAgent(input.host)),
      sshAliases: os.hosts.sshAliases.handler(({ context }) => context.console.hosts.sshAliases()),
    },
    memory: {
      watch: os.memory.watch.handler(async function* ({ context, input, signal }) {
        yield* context.console.maps.follow(input, signal)
      }),
      page: os.memory.page.handler(async ({ context, input }) => {
        const { agent } = await context.console.hosts.connectedHost(input.host).handle.session()
        return readGuestPage(agent, input.guest, input.frame)
      }),
    },
    disks: {
      list: os.disks.list.handler(async ({ context, input }) => context.console.disks.list(input)),
      map: os.disks.map.handler(async ({ context, input }) => context.console.disks.map(input)),
    },
    races: {
      precheck: os.races.precheck.handler(async ({ context, input }) => context.console.races.precheck(input)),
      start: os.races.start.handler(({ context, input }) => {
        busyAutopilot(context.console)
        return { id: context.console.races.start(input) }
      }),
      watch: os.races.watch.handler(({ context, signal }) => context.console.races.watch(signal)),
      cancel: os.races.cancel.handler(({ context }) => context.console.races.cancel()),
    },
    runs: {
      watch: os.runs.watch.handler(({ context, signal }) => context.console.runs.watch(signal)),
      get: os.runs.get.handler(async ({ context, input }) => context.console.runs.get(input.id)),
      events: os.runs.events.handler(({ context, input }) => context.console.runs.events(input.id)),
      describe: os.runs.describe.handler(async ({ context, input }) => context.console.runs.describe(input.id, input)),
      remove: os.runs.remove.handler(async ({ context, input }) => context.console.runs.remove(input.ids)),
      restore: os.runs.restore.handler(async ({ context, input }) => context.console.runs.restore(input.ids)),
      export: os.runs.export.handler(async ({ context, input }) => context.console.runs.export(input.ids, input.format, input.language)),
      import: os.runs.import.handler(async ({ context, input }) => ({ id: await context.console.runs.import(input.bytes) })),
    },
    autopilot: {
      watch: os.autopilot.watch.handler(({ context, signal }) => context.console.autopilot.view.follow({ signal, everyMs: listEveryMs })),
      start: os.autopilot.start.handler(async ({ context, input }) => context.console.autopilot.start(input)),
      stop: os.autopilot.stop.handler(async ({ context }) => context.console.autopilot.stop()),
      approve: os.autopilot.approve.handler(({ context, input }) => context.console.autopilot.approve(input.id)),
      dismiss: os.autopilot.dismiss.handler(({ context, input }) => context.console.autopilot.dismiss(input.id)),
      auditLog: os.autopilot.auditLog.handler(async ({ context }) => ({ name: 'autopilot.jsonl', mediaType: 'application/jsonl', bytes: Buffer.from(await context.console.autopilot.auditText()) })),
    },
    settings: {
      watch: os.settings.watch.handler(({ context, signal }) => context.console.settings.settings.follow({ signal })),
      change: os.settings.change.handler(async ({ context, input }) => context.console.settings.change(input)),
      places: os.settings.places.handler(async ({ context: { console: { folders } } }) => ({
        runsFolder: folders.runs, runsBytes: await folderBytes(folders.runs), labFolder: folders.lab, labBytes: await folderBytes(folders.lab),
      })),
      diagnostics: os.settings.diagnostics.handler(async ({ context }) => diagnosticBundle(context.console)),
    },
  })
}
export type ConsoleRouter = ReturnType<typeof createRouter>
