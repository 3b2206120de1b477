/** What a race is told beside its settings, the same from the command line and from the screen. */
import type { LabGuest } from '../lab/types.ts'
import type { RaceRequest } from './race.ts'
import { hostname, userInfo } from 'node:os'
import process from 'node:process'

/** Who holds a guest's lock, for another console to read. Printable ASCII, as the agent takes it. */
export function raceOwner(): string {
  return `${userInfo().username}@${hostname()}, process ${process.pid}`.replaceAll(/[^\x20-\x7E]/g, '?').slice(0, 100)
}

/** Link addresses by host name, where they are known. */
export function knownAddresses(hosts: readonly { name: string, linkAddress: string | null }[]): Record<string, string> {
  return Object.fromEntries(hosts.flatMap(({ name, linkAddress }) => linkAddress === null ? [] : [[name, linkAddress]]))
}

/** What the lab knows of its guest; of one's own guests nothing is known (null). */
export function labGuestFacts(guest: LabGuest | null): Pick<RaceRequest, 'workload' | 'heartbeat'> {
  return {
    workload: guest && { profile: guest.profile, sentence: guest.sentence },
    heartbeat: guest && { port: guest.heartbeatPort, address: guest.address },
  }
}
