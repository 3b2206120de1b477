/**
 * `npm run matrix`: starts every guest of cells.ts on the Xen it names, migrates it with ME2 (preset best) to the other
 * host, back in stock mode where the two are of one release, and prints what came of it. Fails if a cell does.
 *
 *   npm run matrix -- [--xen A,B] [--kind pv|pvh|hvm] [--json FILE]
 */
import type { RunResult } from '../../../shared/model/run.ts'
import type { TestHost } from '../support/migrateOnce.ts'
import type { Cell, MatrixLab } from './cells.ts'
import type { GuestFiles } from './guestFiles.ts'
import type { Hosts } from './ownLab.ts'
import type { StreamCheck } from './streamCheck.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { formatTable } from '../../../electron/cli/table.ts'
import { mayStart } from '../../../electron/services/migration/precheck/checks.ts'
import { precheck } from '../../../electron/services/migration/precheck/precheck.ts'
import { defaultTiming } from '../../../electron/services/migration/timing.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { migrateOnce } from '../support/migrateOnce.ts'
import { describeCell, matrix, planOf } from './cells.ts'
import { awaitGuest, createGuest, destroyGuest, guest, lastWords } from './guest.ts'
import { guestFiles } from './guestFiles.ts'
import { crashedByEmulator, inLab, log } from './ownLab.ts'
import { checkStream, watchStreams } from './streamCheck.ts'

interface Leg {
  mode: 'me2' | 'stock'
  result: RunResult
  /** xl's own lines, of both hosts. */
  xlLines: string[]
  leftOut: number
  /** What verify-stream-v2 says of the stream that `receive` rebuilt; null: it was not written down, or was xl's own. */
  stream: StreamCheck | null
}

interface Outcome {
  xen: MatrixLab['xen']
  cell: Cell
  legs: Leg[]
  /** By the pre-check, as it should be. */
  refusal: string | null
  /** The pre-check's word on the way back to an older Xen. */
  wayBack: string | null
  /** What is not as it must be; empty: the cell passed. */
  problems: string[]
  emulatorCrashes: number
}

const triesMax = 4
const largestStreamMiB = 1024

async function findings(source: TestHost, target: TestHost) {
  const { checks } = await precheck({ source: source.handle, target: target.handle, guest: guest.name, modes: ['me2'], link: 'sealed', rateMbit: null, targetAddress: target.linkAddress, timing: defaultTiming })
  return { mayStart: mayStart(checks, true), errors: checks.filter(({ status }) => status === 'error').map(({ message }) => message) }
}

/** A stream that dom0's disk has no room for is not written down. */
function isWritable({ memoryMiB }: Cell): boolean {
  return memoryMiB <= largestStreamMiB
}

async function migrate(mode: Leg['mode'], cell: Cell, source: TestHost, target: TestHost): Promise<Leg> {
  const { result, messages } = await migrateOnce(source, target, guest, { mode, encoding: presets.best })
  const leftOut = result.rounds.reduce((sum, round) => sum + round.leftOut, 0)
  const isChecked = result.outcome === 'migrated' && mode === 'me2' && isWritable(cell)
  const xlLines = messages.flatMap(({ side, message }) => message.t === 'xl' ? [`${side}: ${message.line}`] : [])
  return { mode, result, xlLines, leftOut, stream: isChecked ? await checkStream(target) : null }
}

function problemsOf({ mode, result, xlLines, stream }: Leg, isLinux: boolean): string[] {
  if (result.outcome !== 'migrated')
    return [`${mode}: ${result.summary} ${result.problem?.message ?? ''}\n${xlLines.slice(-40).join('\n')}`]
  const found = []
  if (result.verify?.differing !== 0)
    found.push(`${mode}: pages compared: ${JSON.stringify(result.verify)}`)
  if (isLinux && result.guestBad !== 0)
    found.push(`${mode}: the guest's own check: ${result.guestBad}`)
  if (mode === 'me2' && (result.explored !== null) !== isLinux)
    found.push(`me2: explored: ${JSON.stringify(result.explored ?? result.notExplored)}`)
  if (stream !== null && stream.problem !== null)
    found.push(`${mode}: verify-stream-v2: ${stream.problem}`)
  return found
}

/** From the first host to the second; `outcome` is filled on the way. */
async function tryCell(hosts: Hosts, files: GuestFiles, outcome: Outcome): Promise<void> {
  const { cell, xen } = outcome
  const [source, target] = hosts
  await Promise.all(hosts.map(async host => watchStreams(host, isWritable(cell))))
  await createGuest(cell, files, hosts)
  await awaitGuest(source, files)
  const there = await findings(source, target)
  if (cell.refused !== undefined) {
    outcome.refusal = there.errors.find(message => message.includes(cell.refused!)) ?? null
    if (outcome.refusal === null || there.mayStart)
      outcome.problems.push(`the pre-check did not refuse it: ${there.errors.join(' ') || 'no error'}`)
    return
  }
  if (!there.mayStart)
    outcome.problems.push(`refused: ${there.errors.join(' ')}`)
  const leg = await migrate('me2', cell, source, target)
  outcome.legs.push(leg)
  outcome.problems.push(...problemsOf(leg, files.ramdisk !== null))
  if (outcome.problems.length > 0)
    return
  const back = await findings(target, source)
  if (xen[0] !== xen[1]) {
    outcome.wayBack = back.errors.find(message => message.includes('older Xen')) ?? null
    if (outcome.wayBack === null)
      outcome.problems.push('the way back to an older Xen was not refused')
  }
  else if (back.mayStart) {
    const stock = await migrate('stock', cell, target, source)
    outcome.legs.push(stock)
    outcome.problems.push(...problemsOf(stock, files.ramdisk !== null))
  }
}

async function runCell(hosts: Hosts, xen: MatrixLab['xen'], cell: Cell, files: GuestFiles): Promise<Outcome> {
  let outcome: Outcome
  for (let tries = 0; ; tries++) {
    outcome = { xen, cell, legs: [], refusal: null, wayBack: null, problems: [], emulatorCrashes: tries }
    await tryCell(hosts, files, outcome).catch((error: unknown) => outcome.problems.push((error as Error).message))
    const again = outcome.problems.length > 0 && tries < triesMax && await crashedByEmulator(hosts)
    if (outcome.problems.length > 0)
      log(`  ${describeCell(cell)}: ${outcome.problems.join('; ')}${again ? ' (crashed by the emulator: again)' : `\n${(await Promise.all(hosts.map(lastWords))).join('\n---\n')}`}`)
    await destroyGuest(hosts)
    if (!again)
      return outcome
  }
}

async function runLab(plan: MatrixLab, files: Map<Cell['kernel'], GuestFiles>): Promise<Outcome[]> {
  return inLab(planOf(plan), async (hosts) => {
    const outcomes: Outcome[] = []
    for (const cell of plan.cells) {
      log(`${plan.xen.join(' → ')}  ${describeCell(cell)} …`)
      const outcome = await runCell(hosts, plan.xen, cell, files.get(cell.kernel)!)
      log(`${plan.xen.join(' → ')}  ${describeCell(cell)}: ${row(outcome).slice(2).join(' · ')}`)
      outcomes.push(outcome)
    }
    return outcomes
  })
}

const heading = ['Xen', 'guest', 'outcome', 'kernel explored', 'left out', 'of stock\'s bytes', 'compared', 'differ', 'guest\'s check', 'verify-stream-v2', 'way back']

function wayBackText({ legs, wayBack }: Outcome): string {
  return wayBack !== null ? 'refused: older Xen' : legs.length > 1 ? 'stock, migrated' : '-'
}

function row(outcome: Outcome): string[] {
  const { xen, cell, legs: [me2], refusal, problems } = outcome
  const left = [xen.join(' → '), describeCell(cell)]
  const failed = problems.length > 0 ? 'FAILED' : null
  if (!me2)
    return [...left, failed ?? `refused: ${refusal}`, '-', '-', '-', '-', '-', '-', '-', '-']
  const { result, leftOut, stream } = me2
  return [
    ...left,
    failed ?? result.outcome,
    result.explored?.kernel ?? `none: ${result.notExplored}`,
    `${leftOut}`,
    (result.linkBytes / result.streamBytes).toFixed(3),
    `${result.verify?.compared}`,
    `${result.verify?.differing}`,
    result.guestBad === null ? 'none' : `${result.guestBad} bad`,
    stream === null ? 'not written down' : stream.problem ?? 'ok',
    wayBackText(outcome),
  ]
}

function report(outcomes: readonly Outcome[]): string {
  const records = [...new Set(outcomes.flatMap(({ legs }) => legs.flatMap(leg => leg.stream?.records ?? [])))].sort()
  const passed = outcomes.filter(({ problems }) => problems.length === 0).length
  const crashes = outcomes.reduce((sum, { emulatorCrashes }) => sum + emulatorCrashes, 0)
  return [
    formatTable([heading, ...outcomes.map(row)]),
    `${passed} of ${outcomes.length} cells passed. Guests crashed by the emulator and started again: ${crashes}.`,
    `Records that verify-stream-v2 read: ${records.join(', ')}.`,
  ].join('\n')
}

/** Options pick a part of the matrix. */
function choose(xen: string | undefined, kind: string | undefined): MatrixLab[] {
  return matrix
    .filter(lab => xen === undefined || lab.xen.join() === xen)
    .map(lab => ({ ...lab, cells: lab.cells.filter(cell => kind === undefined || cell.kind === kind) }))
    .filter(({ cells }) => cells.length > 0)
}

async function runAll(labs: readonly MatrixLab[]): Promise<Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'me2-matrix-'))
  try {
    const files = new Map<Cell['kernel'], GuestFiles>()
    for (const kernel of new Set(labs.flatMap(({ cells }) => cells.map(cell => cell.kernel))))
      files.set(kernel, await guestFiles(kernel, join(folder, kernel)))
    const outcomes = []
    for (const lab of labs)
      outcomes.push(...await runLab(lab, files))
    return outcomes
  }
  finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { xen: { type: 'string' }, kind: { type: 'string' }, json: { type: 'string' } } })
  const outcomes = await runAll(choose(values.xen, values.kind))
  process.stdout.write(`${report(outcomes)}\n`)
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify(outcomes, null, 1)}\n`)
  process.exitCode = outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0) ? 0 : 1
}

void main()
