/**
 * What goes wrong in a lab, tried on real Xen. In every case the guest runs on exactly one host afterwards, its own memory
 * check is clean, the user is told where it is, and nothing of ours is left on the hosts.
 */
import type { RunEvent } from '../../shared/model/runEvent.ts'
import type { RunFigures } from '../../shared/model/runFigures.ts'
import type { TestLab } from './support/boxedLab.ts'
import type { Attempt, AttemptOptions, TestHost } from './support/migrateOnce.ts'
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { precheck } from '../../electron/services/migration/precheck/precheck.ts'
import { defaultTiming } from '../../electron/services/migration/timing.ts'
import { connect } from '../../electron/services/ssh/connect.ts'
import { attempt, closeLab, eventually, fromWhere, healBeforeRetry, lab, leftOn, openLab, runningCopies, whileFrozen } from './support/boxedLab.ts'

const guest = 'idle'
/** Slow enough that a fault falls into the middle of round 0. */
const slowMbit = 20
let testLab: TestLab

beforeAll(async () => {
  testLab = await openLab()
})
beforeEach(healBeforeRetry)

/** The promise that every case must keep. */
afterEach(async () => {
  const copies = await eventually(async () => runningCopies(testLab, guest), ({ length }) => length === 1)
  expect(copies, 'the guest runs on exactly one host').toHaveLength(1)
  for (const host of testLab.hosts)
    expect(await eventually(async () => leftOn(host, guest), ({ length }) => length === 0), `left on ${host.name}`).toEqual([])
})

afterAll(async () => closeLab(testLab))

function staysAtSource({ result }: Attempt, source: TestHost): void {
  expect(result.outcome, result.summary).toBe('aborted')
  expect(result.where).toContainEqual(expect.objectContaining({ host: source.name, domain: guest }))
  expect(result.summary).toContain(source.name)
  expect(result.guestBad ?? 0).toBe(0)
}

/** Runs a migration and lets `fault` happen once, when the figures are as `when` wants them. */
async function withFault(when: (figures: RunFigures, event: RunEvent) => boolean, fault: () => Promise<void>, options: AttemptOptions = {}): Promise<Attempt> {
  const faults: Promise<void>[] = []
  const done = await attempt(testLab, guest, {
    ...options,
    onEvent: (event, figures) => {
      if (faults.length === 0 && when(figures, event))
        faults.push(fault())
    },
  })
  expect(faults, 'the fault happened').toHaveLength(1)
  await Promise.all(faults)
  return done
}

const inRound0 = (figures: RunFigures): boolean => figures.linkBytes > 1_000_000 && figures.rounds.length === 0

describe('before anything flows', () => {
  it('a host whose key changed is not talked to', async () => {
    const [host, other] = testLab.hosts
    const folder = await mkdtemp(join(tmpdir(), 'me2-keys-'))
    try {
      const known = await readFile(host.ssh.knownHostsFiles![0]!, 'utf8')
      const swapped = known.replaceAll(`:${host.ssh.port}`, ':SWAP').replaceAll(`:${other.ssh.port}`, `:${host.ssh.port}`).replaceAll(':SWAP', `:${other.ssh.port}`)
      const file = join(folder, 'known_hosts')
      await writeFile(file, swapped)
      await expect(connect({ ...host.ssh, knownHostsFiles: [file] }, { ownKnownHostsFile: file, acceptHostKey: async () => true })).rejects.toMatchObject({ code: 'host-key-changed' })
    }
    finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('a target without xl is named by the pre-check, and a migration that is forced there changes nothing', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    const { connection } = await target.handle.session()
    await connection.exec(['mv', '/usr/sbin/xl', '/usr/sbin/xl.away'])
    try {
      const { checks } = await precheck({ source: source.handle, target: target.handle, guest, modes: ['me2'], link: 'sealed', rateMbit: null, targetAddress: target.linkAddress, timing: defaultTiming })
      expect(checks.filter(({ status }) => status === 'error').map(({ message }) => message).join('\n')).toMatch(/xl/)
      staysAtSource(await attempt(testLab, guest), source)
    }
    finally {
      await connection.exec(['mv', '/usr/sbin/xl.away', '/usr/sbin/xl'])
    }
  })

  it('an agent that is not root says so', async () => {
    const { connection, agent } = await testLab.hosts[0].handle.session()
    await connection.exec(['cp', agent.path, '/tmp/agent-nobody'])
    await connection.exec(['chmod', '755', '/tmp/agent-nobody'])
    const { stdout } = await connection.exec(['setpriv', '--reuid', '65534', '--clear-groups', '/tmp/agent-nobody', 'probe'])
    await connection.exec(['rm', '/tmp/agent-nobody'])
    expect(stdout.toString()).toContain('"not-root"')
  })

  it('a target without memory is named by the pre-check, and xl there refuses: the guest stays', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    const { connection } = await target.handle.session()
    const info = (await connection.exec(['xl', 'info', 'free_memory'])).stdout.toString()
    const config = `name="ballast"\ntype="pvh"\nkernel="/boot/vmlinuz"\nmemory=${Number(info) - 100}\n`
    await connection.upload(Buffer.from(config), '/tmp/ballast.cfg', 0o600)
    const created = await connection.exec(['xl', 'create', '-q', '-p', '/tmp/ballast.cfg'], { timeoutMs: 120_000 })
    try {
      expect(created.code, created.stderr).toBe(0)
      const { checks } = await precheck({ source: source.handle, target: target.handle, guest, modes: ['me2'], link: 'sealed', rateMbit: null, targetAddress: target.linkAddress, timing: defaultTiming })
      expect(checks.filter(({ status }) => status === 'error').map(({ message }) => message).join('\n')).toMatch(/MB free/)
      staysAtSource(await attempt(testLab, guest), source)
    }
    finally {
      await connection.exec(['xl', 'destroy', 'ballast'], { timeoutMs: 120_000 })
    }
  })
})

describe('while it migrates', () => {
  it('a cancel in round 0: the guest stays', async () => {
    const [source] = await fromWhere(testLab, guest)
    const answers: unknown[] = []
    const done = await attempt(testLab, guest, {
      rateMbit: slowMbit,
      onEvent: (_event, figures, cancel) => {
        if (answers.length === 0 && inRound0(figures))
          answers.push(cancel())
      },
    })
    expect(answers).toEqual([{ accepted: true }])
    staysAtSource(done, source)
    expect(done.result.problem?.code).toBe('cancelled')
  })

  it('the target hangs in round 0: the source gives up on it, the guest stays', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    staysAtSource(await withFault(inRound0, async () => whileFrozen(target, async () => sleep(25_000)), { rateMbit: slowMbit }), source)
  })

  it('the target hangs while the guest is suspended, in the final round: it goes on at the source', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    const suspended = (_figures: RunFigures, event: RunEvent): boolean => 'message' in event && event.message.t === 'suspended'
    const done = await withFault(suspended, async () => whileFrozen(target, async () => sleep(25_000)))
    // the freeze may come too late for an emulated host that was nearly done: then the guest is whole at the target
    if (done.result.outcome === 'migrated')
      expect(done.result.verify).toMatchObject({ differing: 0 })
    else
      staysAtSource(done, source)
  })

  it('the link is cut for two seconds: the migration goes on and nothing is lost', async () => {
    const [, target] = await fromWhere(testLab, guest)
    const cut = async (): Promise<void> => {
      await lab.linkCut(target.name, true)
      await sleep(2000)
      await lab.linkCut(target.name, false)
    }
    const { result } = await withFault(inRound0, cut, { rateMbit: 50 })
    expect(result.outcome, result.summary).toBe('migrated')
    expect(result.verify).toMatchObject({ differing: 0 })
    expect(result.guestBad).toBe(0)
  })

  it('the link is cut and stays cut: the guest goes on at the source, the target forgets its copy', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    const cut = async (): Promise<void> => {
      await lab.linkCut(target.name, true)
      await sleep(45_000)
      await lab.linkCut(target.name, false)
    }
    staysAtSource(await withFault(inRound0, cut, { rateMbit: slowMbit }), source)
  })

  it('a second console is told who migrates the guest', async () => {
    const [source] = await fromWhere(testLab, guest)
    const second: Promise<string>[] = []
    const ask = async (): Promise<string> => {
      const { connection, agent } = await source.handle.session()
      const { stdout } = await connection.exec([agent.path, 'migrate', '--domain', guest, '--mode', 'stock', '--to', '10.77.0.99:9'], { input: `${'0'.repeat(64)}\n` })
      return stdout.toString()
    }
    await attempt(testLab, guest, {
      rateMbit: slowMbit,
      onEvent: (_event, figures, cancel) => {
        if (second.length === 0 && inRound0(figures))
          second.push(ask().finally(() => cancel()))
      },
    })
    const answer = await second[0]
    expect(answer).toContain('"busy"')
    expect(answer).toContain('the tests on real Xen')
  })

  it('the console is killed: the agents end by themselves and the guest stays', async () => {
    const [source] = await fromWhere(testLab, guest)
    const data = await mkdtemp(join(tmpdir(), 'me2-killed-'))
    const cli = join(import.meta.dirname, '..', '..', 'electron', 'cli.ts')
    const console_ = spawn(process.execPath, [cli, 'race', '--guest', guest, '--modes', 'me2', '--repeats', '1', '--rate', '5'], { env: { ...process.env, ME2_DATA_DIR: data }, stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = once(console_, 'exit')
    const sending = async (): Promise<string[]> => (await leftOn(source, guest)).filter(line => line.includes(' send '))
    expect(await eventually(sending, ({ length }) => length > 0, 180_000), 'the migration started').not.toEqual([])
    console_.kill('SIGKILL')
    await ended
    await rm(data, { recursive: true, force: true })
    await eventually(async () => leftOn(source, guest), ({ length }) => length === 0)
    const copies = await runningCopies(testLab, guest)
    expect(copies).toEqual([`${source.name}/${guest}`])
  })
})

describe('at the point of no return', () => {
  it('the target hangs between "ready" and the go-ahead: the go-ahead is never given, the guest goes on at the source', async () => {
    const [source, target] = await fromWhere(testLab, guest)
    const { agent } = await source.handle.session()
    const receiver = await (await target.handle.session()).agent.start(['receive', '--link', 'sealed', '--bind', target.linkAddress, '--wait', '60'])
    const key = 'ab'.repeat(32)
    receiver.send(key)
    const listening = await receiver.messages[Symbol.asyncIterator]().next()
    const port = listening.done !== true && listening.value.t === 'listening' ? listening.value.port : 0
    const sender = await agent.start(['migrate', '--domain', guest, '--mode', 'me2', '--link', 'sealed', '--to', `${target.linkAddress}:${port}`, '--hold', '8', '--stall', '10', '--owner', 'the tests on real Xen'])
    sender.send(key)
    const frozen: Promise<void>[] = []
    const seen: string[] = []
    let last: Record<string, unknown> = {}
    for await (const message of sender.messages) {
      seen.push(message.t)
      last = message
      if (message.t === 'ready')
        frozen.push(whileFrozen(target, async () => sleep(40_000)))
    }
    expect(seen).toContain('ready')
    expect(seen).not.toContain('goAhead')
    expect(last).toMatchObject({ t: 'done', outcome: 'failed', reason: 'link-stalled' })
    expect(last.here).toContainEqual(expect.objectContaining({ name: guest }))
    await Promise.all(frozen)
    receiver.end()
    await receiver.exit
    expect(await runningCopies(testLab, guest)).toEqual([`${source.name}/${guest}`])
  })
})
