/** What a host and its agent say of disks. */
import type { DiskMapMessage } from '../../../shared/agent/messages.ts'
import { runsFrame } from '../memory/frames.ts'

/** As the console's script prints them. */
export const storeRows = {
  file: 'xvda\tw\t/local/domain/0/backend/vbd/1/51712\t/var/lib/web.img\t/dev/loop0\t32768\n',
  volume: 'xvdb\tr\t/local/domain/0/backend/vbd/1/51728\t/dev/vg/data\t/dev/dm-3\t8192\n',
  qcow2: 'xvdc\tw\t/local/domain/0/backend/qdisk/1/51744\tqcow2:/var/lib/web.qcow2\t\t\n',
  rawByQemu: 'xvdd\tw\t/local/domain/0/backend/qdisk/1/51760\taio:/var/lib/other.img\t\t4096\n',
  emptyDrive: 'hdc\tr\t/local/domain/0/backend/qdisk/1/5632\taio:\t\t\n',
  elsewhere: 'xvde\tw\t/local/domain/3/backend/vbd/1/51776\t/dev/vg/there\t\t\n',
}

const counts = [0, 4, 0, 1, 1, 0, 2, 0, 0, 0]

/** Eight blocks: metadata, journal, two of data, four free. */
export const introduction: DiskMapMessage = {
  t: 'diskMap',
  bytes: 32_768,
  blocks: 8,
  direct: true,
  ms: 12.5,
  table: 'none',
  tableFromBackup: false,
  counts,
  volumes: [{ name: 'disk', kind: 'ext4', uuid: null, offset: 0, bytes: 32_768, state: 'replayed', freeBytes: 16_384, doubtfulBytes: 0, note: null }],
}

export const frame = runsFrame(8, [{ count: 1, classNumber: 3 }, { count: 1, classNumber: 4 }, { count: 2, classNumber: 6 }, { count: 4, classNumber: 1 }])
