/**
 * The network between the hosts: Ethernet frames in UDP datagrams on loopback. Two hosts have one cable between them; more have
 * one each to a hub, which is a QEMU without a machine: it repeats what comes in at one end at all the others.
 */
import type { ProcessIdentity } from './processes.ts'
import { join } from 'node:path'
import { freeUdpPorts } from './ports.ts'
import { qemuName, spawnQemu } from './qemuProcess.ts'

/** UDP ports of a host's own end and of the other end. */
export interface CableEnd {
  port: number
  peerPort: number
}

/** The hosts' ends, in their order. */
export async function cableEnds(hosts: number): Promise<CableEnd[]> {
  const ports = await freeUdpPorts(hosts > 2 ? 2 * hosts : hosts)
  return Array.from({ length: hosts }, (_, i) => ({ port: ports[i]!, peerPort: hosts > 2 ? ports[hosts + i]! : ports[1 - i]! }))
}

/** For QEMU's -netdev. */
export function cableOption(id: string, { port, peerPort }: CableEnd): string {
  return `socket,id=${id},udp=127.0.0.1:${peerPort},localaddr=127.0.0.1:${port}`
}

export function hubArguments(hostEnds: readonly CableEnd[]): string[] {
  const ports = hostEnds.flatMap(({ port, peerPort }, i) => [
    '-netdev', cableOption(`cable${i}`, { port: peerPort, peerPort: port }),
    '-netdev', `hubport,id=port${i},hubid=0,netdev=cable${i}`,
  ])
  return ['-name', qemuName('hub'), '-machine', 'none', '-accel', 'tcg', '-nodefaults', '-no-user-config', '-display', 'none', ...ports]
}

/** In the lab's folder, where whoever ends the lab finds it. */
export async function startHub(labFolder: string, hostEnds: readonly CableEnd[]): Promise<ProcessIdentity> {
  return spawnQemu(labFolder, 'the hub', hubArguments(hostEnds), join(labFolder, 'hub.log'))
}
