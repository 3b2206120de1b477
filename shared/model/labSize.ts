/** How large the boxed lab is: the memory of its guests, and whether `web` has a twin. */
import { z } from 'zod'

export const guestMemoryChoicesMiB = [256, 384, 512, 768] as const

export const labSizeSchema = z.object({
  /** Of each guest; its workload grows with it. */
  guestMemoryMiB: z.literal(guestMemoryChoicesMiB),
  /** A fourth guest, equal to `web`, for races of two at once. */
  twin: z.boolean(),
})
export type LabSize = z.infer<typeof labSizeSchema>

export const usualLabSize: LabSize = { guestMemoryMiB: 256, twin: false }

const mebibyte = 1024 * 1024
const guestsWithoutTwin = 3
export const labDom0MiB = 512
/** Xen itself, and room for a guest under way. */
const spareMiB = 256
/** QEMU's own on each host: translated code, disk caches. */
const emulatorMiB = 400
const hosts = 2

/** Either host can hold all guests at once. */
export function labHostMemoryMiB({ guestMemoryMiB, twin }: LabSize): number {
  return labDom0MiB + spareMiB + guestMemoryMiB * (guestsWithoutTwin + (twin ? 1 : 0))
}

/** What the machine must have free to run it. */
export function labMemoryBytes(size: LabSize): number {
  return hosts * (labHostMemoryMiB(size) + emulatorMiB) * mebibyte
}
