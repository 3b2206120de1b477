/** What the boxed lab is made of: the Xen of each host, the memory of its guests, and what there is beside them. */
import { z } from 'zod'

export const guestMemoryChoicesMiB = [256, 384, 512, 768] as const

/** Releases of Xen that Debian has hosts for: 11 (bullseye), 12 (bookworm), 13 (trixie). */
export const xenReleases = ['4.14', '4.17', '4.20'] as const
export type XenRelease = typeof xenReleases[number]

/** Two to race between; the autopilot needs a third to choose from. */
export const maxLabHosts = 3

const maxRoomMiB = 65_536

export const labPlanSchema = z.object({
  /** Of each guest; its workload grows with it. */
  guestMemoryMiB: z.literal(guestMemoryChoicesMiB),
  /** A fourth guest, equal to `web`, for races of two at once. */
  twin: z.boolean(),
  /** One a host, so it also says how many there are. A guest goes from an old Xen to a new one, not back. */
  xen: z.array(z.enum(xenReleases)).min(2).max(maxLabHosts).default(['4.17', '4.17']),
  /** Hosts that can run HVM guests: they have QEMU, the device model. */
  deviceModel: z.boolean().default(false),
  /** Memory of each host for guests that the lab does not start itself. */
  roomMiB: z.number().int().min(0).max(maxRoomMiB).default(0),
  /** Two more guests, which have disks of their own, and room on both hosts for those. */
  disks: z.boolean().default(false),
  /** No guests of the lab's own. */
  bare: z.boolean().default(false),
})
export type LabPlan = z.infer<typeof labPlanSchema>

export const usualLabPlan: LabPlan = { guestMemoryMiB: 256, twin: false, xen: ['4.17', '4.17'], deviceModel: false, roomMiB: 0, disks: false, bare: false }

const mebibyte = 1024 * 1024
const usualGuests = 3
const guestsWithDisks = 2
export const labDom0MiB = 512
/** Xen itself, and room for a guest under way. */
const spareMiB = 256
/** QEMU's own on each host: translated code, disk caches. */
const emulatorMiB = 400

/** Each host can hold all guests at once. */
export function labHostMemoryMiB({ guestMemoryMiB, twin, disks, bare, roomMiB }: LabPlan): number {
  const guests = bare ? 0 : usualGuests + (twin ? 1 : 0) + (disks ? guestsWithDisks : 0)
  return labDom0MiB + spareMiB + guestMemoryMiB * guests + roomMiB
}

/** What the machine must have free to run it. */
export function labMemoryBytes(plan: LabPlan): number {
  return plan.xen.length * (labHostMemoryMiB(plan) + emulatorMiB) * mebibyte
}
