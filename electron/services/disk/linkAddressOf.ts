import type { NetworkLink } from '../../../shared/agent/messages.ts'
import type { HostHandle } from '../migration/hostHandle.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { commonAddress } from '../migration/precheck/linkAddress.ts'

async function linksOf(host: HostHandle, timeoutMs: number): Promise<NetworkLink[]> {
  const { agent } = await host.session()
  const probe = await agent.request(['probe'], 'probe', { timeoutMs })
  return probe.t === 'probe' ? probe.links : []
}

/** Where the source reaches the target. Throws `link` where they share no network. */
export async function linkAddressOf(source: HostHandle, target: HostHandle, timeoutMs: number): Promise<string> {
  const [from, to] = await Promise.all([linksOf(source, timeoutMs), linksOf(target, timeoutMs)])
  const address = commonAddress(from, to)
  if (address === null)
    throw new Me2Error('link', `${source.name} and ${target.name} have no network in common.`, 'Give the target\'s address with --to-address.')
  return address
}
