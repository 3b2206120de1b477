/** What the matrix tries: each cell is a guest that is really started on real Xen and migrated from one host to the other. */
import type { LabPlan, XenRelease } from '../../../shared/model/labPlan.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

export type GuestKind = 'pv' | 'pvh' | 'hvm'

export interface Cell {
  kind: GuestKind
  /** Linux, as test/kernels calls it; or what runs instead. */
  kernel: '5.10' | '6.1' | '6.12' | '7.3' | 'memtest86+'
  vcpus: number
  memoryMiB: number
  /** Kernel parameters that it needs to start. */
  parameters?: string
  /** Refused by the pre-check, before any data flows; the words its reason must hold. */
  refused?: string
}

export interface MatrixLab {
  xen: [XenRelease, XenRelease]
  roomMiB: number
  cells: Cell[]
}

const usualMiB = 160
/** More than lies below the hole for devices, which ends at 4 GiB. */
const aboveHoleMiB = 4608

function cell(kind: GuestKind, kernel: Cell['kernel'], other: Partial<Cell> = {}): Cell {
  return { kind, kernel, vcpus: 1, memoryMiB: usualMiB, ...other }
}

const noShadow: Partial<Cell> = { refused: 'shadow' }

/** Linux 7.3 finds the extended state that Xen 4.20 offers on the emulated CPU inconsistent, and then crashes turning it off. */
const noXsave: Partial<Cell> = { parameters: 'noxsave' }

/** Every pair of releases from old to new, each kind of guest that the source's Xen can migrate alive, four kernels. */
export const matrix: MatrixLab[] = [
  { xen: ['4.14', '4.14'], roomMiB: 1024, cells: [cell('pv', '5.10'), cell('pv', '6.1'), cell('pv', '6.1', { vcpus: 2 }), cell('pvh', '5.10'), cell('hvm', '6.1')] },
  { xen: ['4.14', '4.17'], roomMiB: 1024, cells: [cell('pv', '5.10'), cell('pv', '6.1'), cell('pvh', '6.1'), cell('hvm', '5.10')] },
  { xen: ['4.14', '4.20'], roomMiB: 1024, cells: [cell('pv', '6.1'), cell('pvh', '5.10')] },
  {
    xen: ['4.17', '4.17'],
    roomMiB: 5632,
    cells: [
      cell('pvh', '5.10'),
      cell('pvh', '6.1'),
      cell('pvh', '6.12'),
      cell('pvh', '7.3'),
      cell('pvh', '6.1', { vcpus: 4 }),
      cell('pvh', '6.1', { memoryMiB: aboveHoleMiB }),
      cell('hvm', '6.1'),
      cell('hvm', '6.1', { vcpus: 2 }),
      cell('hvm', 'memtest86+'),
      cell('pv', '6.1', noShadow),
    ],
  },
  { xen: ['4.17', '4.20'], roomMiB: 1024, cells: [cell('pvh', '6.12'), cell('hvm', '6.12')] },
  { xen: ['4.20', '4.20'], roomMiB: 1024, cells: [cell('pvh', '6.12'), cell('pvh', '7.3', noXsave), cell('hvm', '6.1'), cell('pv', '6.1', noShadow)] },
]

/** Hosts of a lab for its cells: no guests but theirs, QEMU in dom0 for the HVM ones. */
export function planOf({ xen, roomMiB }: MatrixLab): LabPlan {
  return { ...usualLabPlan, xen, roomMiB, bare: true, deviceModel: true }
}

export function describeCell({ kind, kernel, vcpus, memoryMiB }: Cell): string {
  const os = kernel === 'memtest86+' ? kernel : `Linux ${kernel}`
  return `${kind.toUpperCase()} ${os}, ${vcpus} vCPU${vcpus > 1 ? 's' : ''}, ${memoryMiB} MiB`
}
