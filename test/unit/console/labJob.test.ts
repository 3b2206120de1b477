import type { Lab } from '../../../electron/services/lab/lab.ts'
import type { LabStatus } from '../../../electron/services/lab/types.ts'
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LabJob } from '../../../electron/services/lab/labJob.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

let folder: string
let state: LabStatus['state']
let calls: string[]
let up: Lab['up']

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-labjob-'))
  state = 'stopped'
  calls = []
  up = async (_, onProgress) => {
    onProgress?.({ phase: 'tools', detail: 'looking', elapsedMs: 0 })
    onProgress?.({ phase: 'boot', detail: 'starting', elapsedMs: 1 })
    state = 'running'
    return status()
  }
})

afterEach(async () => rm(folder, { recursive: true }))

function status(): LabStatus {
  return { state, images: [{ key: 'k', suite: 'bookworm', xen: '4.17', kernel: '6.1' }], hosts: [], guests: [] }
}

function createJob(plan: () => LabPlan = () => usualLabPlan): LabJob {
  const lab: Lab = {
    up: async (...args) => up(...args),
    down: async () => {
      state = 'stopped'
    },
    reset: async () => {},
    status: async () => status(),
    linkCut: async () => {},
    standBy: async () => {},
    wake: async () => {},
    load: async () => {},
  }
  return new LabJob({ createLab: () => lab, plan, timesFile: join(folder, 'times.json'), onHosts: async (hosts) => {
    calls.push(hosts ? 'hosts' : 'none')
  } })
}

async function until(job: LabJob, wanted: string): Promise<void> {
  for await (const view of job.view.follow()) {
    if (view.state === wanted)
      return
  }
}

const phases = (job: LabJob): string[] => job.view.value.phases.map(({ id, state }) => `${id} ${state}`)

describe('the lab as a job', () => {
  it('starts a lab of the size that is wanted at that moment', async () => {
    let asked: LabPlan | undefined
    const [first, second]: LabPlan[] = [usualLabPlan, { ...usualLabPlan, guestMemoryMiB: 512, twin: true }]
    let wanted = first
    up = async (options) => {
      asked = options?.plan
      state = 'running'
      return status()
    }
    const job = createJob(() => wanted!)
    wanted = second
    job.up()
    await until(job, 'running')
    expect(asked).toEqual(second)
  })

  it('goes through its phases, gives its hosts, and knows the next time how long each took', async () => {
    const job = createJob()
    job.up()
    await until(job, 'running')
    expect(phases(job)).toEqual(['tools done', 'image skipped', 'boot done', 'guests skipped', 'agents done'])
    expect(calls).toEqual(['hosts'])
    await job.down()
    expect(calls).toEqual(['hosts', 'none'])
    const next = createJob()
    await next.look()
    next.up()
    expect(next.view.value.phases.map(({ id, usualMs }) => usualMs === null ? '' : id)).toEqual(['tools', '', 'boot', '', 'agents'])
    await until(next, 'running')
  })

  it('has a phase for the disks of guests only where they are to have some', async () => {
    const job = createJob(() => ({ ...usualLabPlan, disks: true }))
    job.up()
    await until(job, 'running')
    expect(phases(job)).toEqual(['tools done', 'image skipped', 'boot done', 'disks skipped', 'guests skipped', 'agents done'])
  })

  it('says in which phase it failed, and why', async () => {
    up = async (_, onProgress) => {
      onProgress?.({ phase: 'image', detail: 'building', elapsedMs: 0 })
      throw new Me2Error('lab-no-space', 'The disk is full.', 'Make room.')
    }
    const job = createJob()
    job.up()
    await until(job, 'failed')
    expect(phases(job)[1]).toBe('image failed')
    expect(job.view.value.problem).toMatchObject({ code: 'lab-no-space', action: 'Make room.' })
  })

  it('stops a start that is under way; that is no failure', async () => {
    up = async options => new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
    const job = createJob()
    job.up()
    await job.down()
    expect(job.view.value).toMatchObject({ state: 'stopped', problem: null })
  })

  it('adopts a lab that runs already, and leaves it when the console closes', async () => {
    state = 'running'
    const job = createJob()
    await job.look()
    expect(job.view.value.state).toBe('running')
    expect(calls).toEqual(['hosts'])
    await job.close()
    expect(state).toBe('running')
  })

  it('ends with the console that started it, also while it starts', async () => {
    const job = createJob()
    job.up()
    await until(job, 'running')
    await job.close()
    expect(state).toBe('stopped')
    up = async options => new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
    const hurried = createJob()
    hurried.up()
    await hurried.close()
    expect(hurried.view.value.state).toBe('stopped')
  })
})
