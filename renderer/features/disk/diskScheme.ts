/** The classes of a disk's blocks. What means the same as in memory has the colour that it has there. */
import type { DiskClassId } from '../../../shared/model/diskClass.ts'
import type { ClassScheme } from '../map/scheme.ts'
import { diskClasses } from '../../../shared/model/diskClass.ts'
import { mapGrounds } from '../map/palette.ts'

type SolidColours = Record<Exclude<DiskClassId, 'unknown'>, string>

const light: SolidColours = {
  free: '#EDF2F5',
  doubtful: '#F3DDB3',
  zero: '#B7C0C8',
  data: '#3FA06E',
  metadata: '#63409A',
  inodeTable: '#E3A51F',
  journal: '#CE64AE',
  swap: '#C79BFF',
  partition: '#667079',
}

const dark: SolidColours = {
  free: '#252C32',
  doubtful: '#4A3A1C',
  zero: '#515A62',
  data: '#0E9160',
  metadata: '#7B55C2',
  inodeTable: '#D1A11A',
  journal: '#B866AE',
  swap: '#C79BFF',
  partition: '#8D969E',
}

const groups: readonly { id: string, classes: readonly DiskClassId[] }[] = [
  { id: 'nothing', classes: ['free', 'zero'] },
  { id: 'files', classes: ['data'] },
  { id: 'fileSystem', classes: ['metadata', 'inodeTable', 'journal'] },
  { id: 'other', classes: ['doubtful', 'swap', 'partition', 'unknown'] },
]

export const diskScheme: ClassScheme = {
  words: 'disk',
  ids: diskClasses.map(({ id }) => id),
  groups,
  colours: { light: { ...mapGrounds.light, classes: light }, dark: { ...mapGrounds.dark, classes: dark } },
}
