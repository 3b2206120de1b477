/** The classes of a guest's pages. */
import type { PageClassId } from '../../../shared/model/pageClass.ts'
import type { ClassScheme } from '../map/scheme.ts'
import { pageClasses } from '../../../shared/model/pageClass.ts'
import { mapGrounds } from '../map/palette.ts'

type SolidColours = Record<Exclude<PageClassId, 'unknown'>, string>

const light: SolidColours = {
  free: '#EDF2F5',
  zero: '#B7C0C8',
  anon: '#E3A51F',
  cache: '#3FA06E',
  cacheMapped: '#9BE8BC',
  swapCache: '#C79BFF',
  slab: '#CE64AE',
  pageTable: '#F5EA60',
  huge: '#8A5409',
  kernelOther: '#63409A',
  offline: '#2E353B',
  reserved: '#667079',
}

const dark: SolidColours = {
  free: '#252C32',
  zero: '#515A62',
  anon: '#D1A11A',
  cache: '#0E9160',
  cacheMapped: '#5CD9A2',
  swapCache: '#C79BFF',
  slab: '#B866AE',
  pageTable: '#F5EC78',
  huge: '#85561A',
  kernelOther: '#7B55C2',
  offline: '#000206',
  reserved: '#8D969E',
}

const groups: readonly { id: string, classes: readonly PageClassId[] }[] = [
  { id: 'nothing', classes: ['free', 'zero'] },
  { id: 'programs', classes: ['anon', 'huge', 'swapCache'] },
  { id: 'files', classes: ['cache', 'cacheMapped'] },
  { id: 'kernel', classes: ['slab', 'pageTable', 'kernelOther', 'reserved'] },
  { id: 'outside', classes: ['offline', 'unknown'] },
]

export const memoryScheme: ClassScheme = {
  words: 'memory',
  ids: pageClasses.map(({ id }) => id),
  groups,
  colours: { light: { ...mapGrounds.light, classes: light }, dark: { ...mapGrounds.dark, classes: dark } },
}
