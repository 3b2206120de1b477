/** Disks that no guest uses are copied and cloned; and a guest whose disk is a logical volume takes it along to one that is made for it. */
import type { DiskCopyRequest } from '../../electron/services/disk/copyDisk.ts'
import type { TestHost } from './support/migrateOnce.ts'
import { beforeAll, describe, expect, it } from 'vitest'
import { startDiskCopy } from '../../electron/services/disk/copyDisk.ts'
import { defaultTiming } from '../../electron/services/migration/timing.ts'
import { presets } from '../../shared/model/encoding.ts'
import { checkFileSystem, createGuest, destroyWhereItIs, expectSoundFiles, hearOfFiles, migrateWithDisk, on, shutDown, useDiskLab } from './support/diskLab.ts'

const own = useDiskLab()

function guest() {
  return own.guests[0]!
}

async function copy(source: TestHost, target: TestHost, change: Pick<DiskCopyRequest, 'to' | 'encoding'>) {
  return startDiskCopy({
    source: source.handle,
    target: target.handle,
    targetAddress: target.linkAddress,
    path: guest().disk!.path,
    mode: 'me2',
    link: 'sealed',
    rateMbit: null,
    verify: true,
    timing: defaultTiming,
    onMessage: () => {},
    ...change,
  }).result
}

describe('a guest that is shut down', () => {
  it('has a copy of its disk made elsewhere, without what is free, and runs from that', async () => {
    expect(await shutDown(own.a, guest())).toMatch(/^ME2 stopped bad=0/m)
    const disk = await copy(own.a, own.b, { to: { path: guest().disk!.path, overwrite: true }, encoding: presets.best })
    console.log('copied:', JSON.stringify(disk))
    expect(disk).toMatchObject({ kept: true, tracked: null, notExplored: null, verify: { differing: 0 } })
    expect(disk.leftOut).toBeGreaterThan(0.5 * disk.bytes / 4096)
    await checkFileSystem(own.b, guest())
    await createGuest(own.b, guest())
    await expectSoundFiles(guest(), own.b)
    expect(await shutDown(own.b, guest())).toMatch(/^ME2 stopped bad=0/m)
  })

  it('has a clone on another path, which is as good; what is there already is not written over', async () => {
    const clone = `${guest().disk!.path}.clone`
    const request = { to: { path: clone, overwrite: false }, encoding: presets.paper }
    expect(await copy(own.b, own.a, request)).toMatchObject({ bytes: guest().disk!.bytes, kept: true, verify: { differing: 0 } })
    await on(own.a, 'e2fsck', '-fn', clone)
    await expect(copy(own.b, own.a, request)).rejects.toThrow(/is there already/)
    await on(own.a, 'rm', clone)
  })
})

describe('a guest on a logical volume', () => {
  const volume = '/dev/lab/files'
  const room = '/var/lib/me2-lab/disks/volumes'
  const makeGroup = 'truncate -s 3G "$1" && loop=$(losetup -f --show "$1") && pvcreate -q "$loop" && vgcreate -q lab "$loop"'
  const removeGroup = 'vgremove -qff lab && losetup -d "$(losetup -n -O NAME -j "$1")" && rm "$1"'

  async function createOnVolume(host: TestHost): Promise<void> {
    await on(host, 'sh', '-c', 'sed "s|format=raw,vdev=xvda,access=rw,target=[^\\"]*|phy:$2,xvda,w|" "/etc/xen/$1.cfg" >/tmp/volume.cfg && xl create -q /tmp/volume.cfg', 'sh', guest().name, volume)
  }
  const volumesOn = async (host: TestHost) => on(host, 'lvs', '--noheadings', '-o', 'lv_name,lv_size', '--units', 'm', '--nosuffix', 'lab')

  beforeAll(async () => {
    await destroyWhereItIs(own, guest())
    for (const host of [own.a, own.b])
      await on(host, 'sh', '-c', makeGroup, 'sh', room)
    await on(own.a, 'lvcreate', '-q', '-n', 'files', '-L', '2G', 'lab')
    await on(own.a, 'lab-make-disk', guest().disk!.path, 'ext4', '2048')
    await on(own.a, 'dd', `if=${guest().disk!.path}`, `of=${volume}`, 'bs=1M', 'conv=sparse', 'status=none')
    await createOnVolume(own.a)
    await hearOfFiles(own.a, guest(), 40)
    return async () => {
      await destroyWhereItIs(own, guest())
      for (const host of [own.a, own.b])
        await on(host, 'sh', '-c', removeGroup, 'sh', room)
    }
  })

  it('is not moved where the group has no room: nothing is left there', async () => {
    await on(own.b, 'lvcreate', '-q', '-n', 'ballast', '-L', '1500M', 'lab')
    const { result } = await migrateWithDisk(guest(), own.a, own.b)
    expect(result).toMatchObject({ outcome: 'aborted', disk: null })
    expect(result.problem?.message).toMatch(/volume group lab has \d+ MiB free/)
    expect(await volumesOn(own.b)).toMatch(/^ballast\s+1500[.\d]*$/)
    await on(own.b, 'lvremove', '-qf', 'lab/ballast')
    await expectSoundFiles(guest(), own.a)
  })

  it('takes it along to one that is made for it', async () => {
    const { result } = await migrateWithDisk(guest(), own.a, own.b)
    console.log('logical volume:', JSON.stringify(result.disk))
    expect(result, JSON.stringify(result.problem)).toMatchObject({
      outcome: 'migrated', guestBad: 0, verify: { differing: 0 }, disk: { kept: true, tracked: 'trace', notExplored: null, verify: { differing: 0 } },
    })
    expect(await volumesOn(own.b)).toMatch(/^files\s+2048[.\d]*$/)
    await expectSoundFiles(guest(), own.b)
    expect(await shutDown(own.b, guest())).toMatch(/^ME2 stopped bad=0/m)
    await on(own.b, 'e2fsck', '-fn', volume)
  })
})
