import type { HostAgent } from '../../../electron/services/agent/types.ts'
import type { HostProbe } from '../../../electron/services/hosts/probeHost.ts'
import type { HostConnection } from '../../../electron/services/ssh/types.ts'
import type { ProbeMessage } from '../../../shared/agent/messages.ts'
import { describe, expect, it } from 'vitest'
import { probeHost } from '../../../electron/services/hosts/probeHost.ts'
import { Me2Error } from '../../../shared/errors.ts'

const facts: ProbeMessage = {
  t: 'probe',
  protocol: 1,
  hostname: 'xen1',
  kernel: '6.1.0',
  root: true,
  xen: { major: 4, minor: 17, extra: '.5', capabilities: 'xen-3.0-x86_64 hvm-3.0-x86_64', hvm: true, pv: true, shadow: false, hap: true },
  domctlVersion: 21,
  xl: { path: '/usr/sbin/xl', version: '4.17' },
  cpus: 2,
  totalBytes: 2 ** 31,
  freeBytes: 2 ** 30,
  dom0Bytes: 2 ** 30,
  cpuModel: 'QEMU',
  cpuFeatures: ['sse2'],
  agentDirFreeBytes: 2 ** 20,
  logDirty: { hvm: true, pv: false },
  links: [],
  problems: [],
}

/** A host at the edge of the world: what its shell prints, and the agent that it would run. */
async function probe(look: readonly string[], root: boolean, answer: () => Promise<ProbeMessage>): Promise<HostProbe> {
  const connection = {
    target: { host: 'xen1', port: 22, user: root ? 'root' : 'student' },
    root,
    exec: async () => ({ code: 0, signal: null, stdout: Buffer.from(`${look.join('\n')}\n`), stderr: '' }),
  } as unknown as HostConnection
  return probeHost(connection, async () => ({ request: answer }) as unknown as HostAgent)
}

const dom0 = ['Linux', 'x86_64', '6.1.0', 'xen', 'control_d', '/usr/sbin/xl']
const errorsOf = ({ checks }: HostProbe): string[] => checks.filter(check => check.severity === 'error').map(check => check.code)

describe('a host that is fit', () => {
  it('is ready, with the agent\'s facts', async () => {
    const result = await probe(dom0, true, async () => facts)
    expect(result).toMatchObject({ host: 'xen1', ready: true, facts })
    expect(result.checks.map(check => check.message)).toContain('Xen 4.17.5.')
  })

  it('stays ready with warnings, which are passed on', async () => {
    const warning = { code: 'low-disk', severity: 'warning', message: 'nearly full', action: 'Free some space there.' } as const
    const result = await probe(dom0, true, async () => ({ ...facts, problems: [warning] }))
    expect(result.ready).toBe(true)
    expect(result.checks).toContainEqual(warning)
  })
})

describe('a host that is not', () => {
  it.each([
    ['another system', ['FreeBSD', 'amd64', '14.0', '', '', '/usr/sbin/xl'], true, ['system', 'no-xen']],
    ['another machine', ['Linux', 'aarch64', '6.1.0', 'xen', 'control_d', '/usr/sbin/xl'], true, ['system']],
    ['no root', dom0, false, ['not-root']],
    ['no Xen', ['Linux', 'x86_64', '6.1.0', '', '', ''], true, ['no-xen', 'no-xl']],
    ['a guest', ['Linux', 'x86_64', '6.1.0', 'xen', '', ''], true, ['no-xen', 'no-xl']],
    ['no toolstack', ['Linux', 'x86_64', '6.1.0', 'xen', 'control_d', ''], true, ['no-xl']],
    ['no answer', [], true, ['system', 'no-xen', 'no-xl']],
  ])('says so before an agent is sent: %s', async (_what, look, root, codes) => {
    const result = await probe(look, root, async () => {
      throw new Error('asked in vain')
    })
    expect([result.ready, errorsOf(result)]).toEqual([false, codes])
    expect(result.checks.every(check => check.severity !== 'error' || check.action !== '')).toBe(true)
  })

  it('passes on what the agent finds in the way', async () => {
    const problem = { code: 'log-dirty', severity: 'error', message: 'cannot log dirty pages', action: 'Use another host.' } as const
    expect(await probe(dom0, true, async () => ({ ...facts, problems: [problem] }))).toMatchObject({ ready: false })
  })

  it('is told apart from an agent that cannot be brought there', async () => {
    const result = await probe(dom0, true, async () => {
      throw new Me2Error('disk-full', 'no room', 'Free some space.')
    })
    expect([result.ready, errorsOf(result), result.facts]).toEqual([false, ['disk-full'], null])
  })

  it('is told apart from one whose connection is lost', async () => {
    await expect(probe(dom0, true, async () => {
      throw new Me2Error('connection-lost', 'lost')
    })).rejects.toMatchObject({ code: 'connection-lost' })
  })
})
