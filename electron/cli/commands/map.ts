import type { MapShares } from '../../services/memory/guestMap.ts'
import type { Command, Output } from '../command.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { formatBytes, formatCount, formatShare } from '../../../shared/model/format.ts'
import { countPageClasses, pageBytes } from '../../../shared/model/pageClass.ts'
import { openGuestMap } from '../../services/memory/guestMap.ts'
import { writeMapFile } from '../../services/memory/mapFile.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, handleFor, hostOptions } from '../hostSelection.ts'
import { formatTable } from '../table.ts'

interface Snapshot {
  kernel: string
  shares: MapShares | null
  classes: Uint8Array
}

function shareLines({ usedMixed, usedMixedRle, freeMixed }: MapShares): string[] {
  const part = (value: number | null, what: string): string[] => value === null ? [] : [`${formatShare(value)} ${what}`]
  return [
    ...part(usedMixed, 'of the pages are in use and not constant;'),
    ...part(usedMixedRle, 'of those bytes are left by word run-length encoding;'),
    ...part(freeMixed, 'of the pages are free and hold old data.'),
  ]
}

function describe(guest: string, host: string, { kernel, shares, classes }: Snapshot, file: string | undefined): Output {
  const counts = countPageClasses(classes)
  const rows = counts.filter(({ pages }) => pages > 0)
    .map(({ label, pages, bytes, share }) => [label, formatCount(pages), formatBytes(bytes), formatShare(share)])
  const total = ['all', formatCount(classes.length), formatBytes(classes.length * pageBytes), '']
  const text = [
    `${guest} on ${host}, Linux ${kernel}:`,
    formatTable([['class', 'pages', 'bytes', 'share'], ...rows, total]),
    ...(shares ? shareLines(shares) : []),
    ...(file === undefined ? [] : [`Written to ${file}.`]),
  ]
  return { json: { guest, host, kernel, frames: classes.length, classes: counts, ...(shares ? { shares } : {}) }, text: text.join('\n') }
}

export const mapCommand: Command = {
  path: ['map'],
  operands: [],
  summary: 'Tells what each page of a guest\'s memory is to its own kernel.',
  options: [
    { name: 'guest', value: 'GUEST', help: 'the guest' },
    { name: 'host', value: 'HOST', help: 'the host it runs on; default on the boxed lab: found by itself' },
    { name: 'shares', help: 'look at every page\'s content: how much is constant, and what run-length encoding leaves' },
    { name: 'out', value: 'FILE', help: 'write one class byte a page to a .me2map file' },
    ...hostOptions,
  ],
  run: async (context, args) => {
    const lab = await chooseLab(context, args)
    const { guest, host } = await locateGuest(context, lab, args)
    const handle = handleFor(context, host)
    try {
      const { agent } = await handle.session()
      const map = await openGuestMap(agent, guest, { shares: args.flag('shares') })
      for await (const frame of map.frames) {
        if (frame.kind !== 'snapshot')
          continue
        const file = args.text('out')
        if (file !== undefined)
          await writeMapFile(file, { guest, kernel: map.kernel, classes: frame.classes })
        return describe(guest, host.name, { ...map, classes: frame.classes }, file)
      }
      throw new Me2Error('agent-protocol', 'The agent ended without a memory map.', 'Try again.')
    }
    finally {
      await handle.close()
    }
  },
}
