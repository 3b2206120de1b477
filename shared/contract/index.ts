/** Everything that a screen can ask of the console's process. One contract, two transports (electron/transports). */
import { autopilot } from './autopilot.ts'
import { disks } from './disks.ts'
import { hosts } from './hosts.ts'
import { lab } from './lab.ts'
import { memory } from './memory.ts'
import { races } from './races.ts'
import { runs } from './runs.ts'
import { session } from './session.ts'
import { settings } from './settings.ts'

export const contract = { session, lab, hosts, memory, disks, races, runs, autopilot, settings }
export type Contract = typeof contract
