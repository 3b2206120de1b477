/**
 * The .me2map file: one snapshot of a guest's memory map.
 *
 * One line of JSON (UTF-8, ended by a newline):
 *   {"format":"me2map","version":1,"guest","kernel","frames","classes":["unknown","free",…]}
 * then `frames` bytes, the class of each page frame from frame 0, an index into `classes`. No page contents.
 */
import { pageClasses } from '../../../shared/model/pageClass.ts'
import { writeAtomically } from '../runs/atomicFile.ts'

export interface MapFileContent {
  guest: string
  kernel: string
  classes: Uint8Array
}

export async function writeMapFile(path: string, { guest, kernel, classes }: MapFileContent): Promise<void> {
  const header = { format: 'me2map', version: 1, guest, kernel, frames: classes.length, classes: pageClasses.map(({ id }) => id) }
  await writeAtomically(path, `${JSON.stringify(header)}\n`, classes)
}
