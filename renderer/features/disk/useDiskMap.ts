/** One look at a guest's disk, and another one when it is asked for. The map itself is outside Vue. */
import type { Ref, ShallowRef } from 'vue'
import type { DiskMapView } from '../../../shared/contract/disks.ts'
import type { Problem } from '../../../shared/errors.ts'
import { computed, ref, shallowRef, watch } from 'vue'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { call, problemOf } from '../../app/connection.ts'
import { ClassMap } from '../map/classMap.ts'
import { layoutFor } from '../map/layouts.ts'
import { diskScheme } from './diskScheme.ts'

export interface DiskName {
  host: string
  guest: string
  disk: string
}

/** What was found, without the runs that are in the map already. */
export interface FoundDisk extends Omit<DiskMapView, 'runs'> {
  at: Date
}

export interface DiskLook {
  isReading: Readonly<Ref<boolean>>
  found: Readonly<ShallowRef<FoundDisk | null>>
  map: Readonly<ShallowRef<ClassMap | null>>
  /** Counts the map's changes. */
  version: Readonly<Ref<number>>
  problem: Readonly<ShallowRef<Problem | null>>
  /** Looks anew; what was seen before shows meanwhile. */
  look: () => Promise<void>
}

export function useDiskMap(which: Readonly<Ref<DiskName>>): DiskLook {
  const looks = ref(0)
  const found = shallowRef<FoundDisk | null>(null)
  const map = shallowRef<ClassMap | null>(null)
  const version = ref(0)
  const problem = shallowRef<Problem | null>(null)
  /** Counts looks, so that an answer that was overtaken is let go. */
  let newest = 0

  async function take({ runs, ...rest }: DiskMapView, isCurrent: () => boolean): Promise<void> {
    const classes = decodeMapRuns(runs, rest.places)
    const layout = await layoutFor(rest.places)
    if (!isCurrent())
      return
    if (map.value?.frames === rest.places)
      map.value.replace(classes)
    else
      map.value = new ClassMap(layout, classes, diskScheme.ids.length)
    version.value++
    found.value = { ...rest, at: new Date() }
  }

  async function look(): Promise<void> {
    const own = ++newest
    const isCurrent = (): boolean => own === newest
    looks.value++
    problem.value = null
    try {
      await take(await call(async client => client.disks.map(which.value)), isCurrent)
    }
    catch (error) {
      if (isCurrent())
        problem.value = error instanceof Me2Error ? error.toProblem() : problemOf(error)
    }
    finally {
      looks.value--
    }
  }

  watch(() => JSON.stringify(which.value), () => {
    map.value = null
    found.value = null
    void look()
  }, { immediate: true })

  return { isReading: computed(() => looks.value > 0), found, map, version, problem, look }
}
