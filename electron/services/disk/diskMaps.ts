/** Guests' disks for the screens, as the contract has them. Each look costs its host a process, so there are only so many at a time. */
import type { DiskMapView, GuestDiskView } from '../../../shared/contract/disks.ts'
import type { HostRegistry } from '../hosts/hostRegistry.ts'
import type { HostHandle } from '../migration/hostHandle.ts'
import type { GuestDisk } from './guestDisks.ts'
import { placesOf } from '../../../shared/agent/diskFrame.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { maxMapPlaces } from '../../../shared/model/diskClass.ts'
import { domainsOn } from '../migration/findGuest.ts'
import { asProblem } from '../migration/problems.ts'
import { readDiskMap } from './diskMap.ts'
import { explorablePath, guestDisks } from './guestDisks.ts'

export interface WhichGuest {
  host: string
  guest: string
}

const maxLooks = 4

/** Throws `no-domain`, and what the connection or the agent throws. */
export async function disksOf(host: HostHandle, guest: string, requestMs: number): Promise<GuestDisk[]> {
  const domain = (await domainsOn(host, requestMs)).find(({ name }) => name === guest)
  if (!domain)
    throw new Me2Error('no-domain', `There is no guest ${guest} on ${host.name} now.`, 'It has been migrated, or ended. The disk of a guest that is shut down is found by its path: disk map --path.')
  return guestDisks(await host.session(), domain.domid)
}

function problemOf(disk: GuestDisk): GuestDiskView['problem'] {
  try {
    explorablePath(disk)
    return null
  }
  catch (error) {
    return asProblem(error)
  }
}

export class DiskMaps {
  private readonly hosts: HostRegistry
  private readonly requestMs: number
  private looks = 0

  constructor(hosts: HostRegistry, requestMs: number) {
    this.hosts = hosts
    this.requestMs = requestMs
  }

  /** Throws `host-unreachable` for a host that is not connected, `no-domain`. */
  async list({ host, guest }: WhichGuest): Promise<GuestDiskView[]> {
    const disks = await disksOf(this.hosts.connectedHost(host).handle, guest, this.requestMs)
    return disks.map(({ servedBy: _, ...disk }, index) => ({ ...disk, problem: problemOf(disks[index]!) }))
  }

  /** As `list`; also `busy` when too many are under way, `not-supported` for an image that is not raw, what `readDiskMap` throws. */
  async map(which: WhichGuest & { disk: string }): Promise<DiskMapView> {
    if (this.looks === maxLooks)
      throw new Me2Error('busy', `${maxLooks} disks are being looked at already.`, 'Try again in a moment.')
    this.looks++
    try {
      return await this.look(which)
    }
    finally {
      this.looks--
    }
  }

  private async look({ host, guest, disk }: WhichGuest & { disk: string }): Promise<DiskMapView> {
    const { handle } = this.hosts.connectedHost(host)
    const found = (await disksOf(handle, guest, this.requestMs)).find(({ name }) => name === disk)
    if (!found)
      throw new Me2Error('usage', `${guest} on ${host} has no disk ${disk}.`, 'Choose another one.')
    const { runs, blocks, bytes, ms, table, tableFromBackup, counts, volumes } = await readDiskMap(await handle.session(), explorablePath(found))
    return { bytes, blocks, ms, table, tableFromBackup, counts, volumes, ...placesOf(runs, blocks, maxMapPlaces) }
  }
}
