/** Finds the address at which one host reaches the other: an IPv4 network that both are in. */
import type { NetworkLink } from '../../../../shared/agent/messages.ts'
import { BlockList, isIPv4 } from 'node:net'

function isUsable({ address }: NetworkLink): boolean {
  return isIPv4(address) && !address.startsWith('127.') && !address.startsWith('169.254.')
}

/** The fastest of the target's links that lie in a network of the source's; null if there is none. */
export function commonAddress(source: readonly NetworkLink[], target: readonly NetworkLink[]): string | null {
  const networks = new BlockList()
  const own = new Set(source.map(link => link.address))
  for (const { address, prefix } of source.filter(isUsable).filter(link => link.prefix <= 32))
    networks.addSubnet(address, prefix)
  const shared = target.filter(isUsable).filter(({ address }) => !own.has(address) && networks.check(address))
  const fastest = shared.toSorted((a, b) => (b.speedMbit ?? 0) - (a.speedMbit ?? 0))
  return fastest[0]?.address ?? null
}
