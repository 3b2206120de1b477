/** A guest, as the address of its screen names it. */
export interface GuestName {
  host: string
  guest: string
}
