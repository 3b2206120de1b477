import type { HostAgent } from '../../../electron/services/agent/types.ts'
import type { RemoteProcess } from '../../../electron/services/ssh/types.ts'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openGuestMap } from '../../../electron/services/memory/guestMap.ts'
import { snapshotFrame, writtenFrame } from './frames.ts'

/** An agent whose `map` says this and ends. */
function agentSaying(said: { stdout?: Uint8Array[], stderr: string[], lost?: boolean }) {
  const calls: { args: readonly string[], closed: boolean }[] = []
  const agent: Pick<HostAgent, 'startBinary'> = {
    async startBinary(args) {
      const call = { args, closed: false }
      calls.push(call)
      const remote: RemoteProcess = {
        stdin: new PassThrough(),
        stdout: Readable.from(said.stdout ?? []),
        stderr: Readable.from(said.stderr.map(line => new TextEncoder().encode(line))),
        exit: Promise.resolve({ code: said.lost ? null : 0, signal: null, lost: said.lost ?? false }),
        close: () => {
          call.closed = true
        },
      }
      return remote
    },
  }
  return { agent: agent as HostAgent, calls }
}

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = []
  for await (const value of values)
    collected.push(value)
  return collected
}

const introduction = '{"t":"map","kernel":"6.1.0-51-amd64","frames":3,"counts":[0,2,0,1],"shares":{"usedMixed":0.3,"usedMixedRle":0.7,"freeMixed":null}}\n'

describe('a guest\'s map', () => {
  it('tells the kernel, then the frames', async () => {
    const { agent, calls } = agentSaying({ stderr: [introduction.slice(0, 9), introduction.slice(9)], stdout: [snapshotFrame([1, 1, 3])] })
    const map = await openGuestMap(agent, 'web', { everyMs: 500, shares: true })
    expect(map).toMatchObject({ kernel: '6.1.0-51-amd64', shares: { usedMixed: 0.3, freeMixed: null } })
    const frames = await collect(map.frames)
    expect(frames).toMatchObject([{ kind: 'snapshot', classes: Uint8Array.of(1, 1, 3) }])
    expect(calls[0]!.args).toEqual(['map', 'web', '--every', '500', '--shares'])
  })

  it('tells what was written, where that was asked for', async () => {
    const { agent, calls } = agentSaying({ stderr: [introduction], stdout: [snapshotFrame([1, 1, 3]), writtenFrame(3, 700, [{ skip: 1, count: 2 }])] })
    const map = await openGuestMap(agent, 'web', { everyMs: 500, written: true })
    expect(await collect(map.frames)).toMatchObject([{ kind: 'snapshot' }, { kind: 'written', sweepMs: 700, runs: [{ first: 1, count: 2 }] }])
    expect(calls[0]!.args).toEqual(['map', 'web', '--every', '500', '--written'])
  })

  it('passes on why a guest is not understood, and ends the agent', async () => {
    const { agent, calls } = agentSaying({ stderr: ['{"t":"error","code":"not-understood","message":"no VMCOREINFO","action":"boot Linux"}\n'] })
    await expect(openGuestMap(agent, 'web')).rejects.toMatchObject({ code: 'not-understood', action: 'boot Linux' })
    expect(calls[0]!.closed).toBe(true)
  })

  it('refuses an agent that says nothing sensible', async () => {
    await expect(openGuestMap(agentSaying({ stderr: ['Segmentation fault\n'] }).agent, 'web')).rejects.toMatchObject({ code: 'agent-protocol' })
    await expect(openGuestMap(agentSaying({ stderr: [] }).agent, 'web')).rejects.toMatchObject({ code: 'agent-protocol' })
  })

  it('tells a lost connection from an end', async () => {
    const map = await openGuestMap(agentSaying({ stderr: [introduction], stdout: [snapshotFrame([1, 2]).subarray(0, 30)], lost: true }).agent, 'web')
    await expect(collect(map.frames)).rejects.toMatchObject({ code: 'connection-lost' })
  })
})
