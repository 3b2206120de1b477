/** Layouts from the worker, which is started with the first map and kept: guests differ, their sizes rarely. */
import type { MapLayout } from './hilbert.ts'

let worker: Worker | null = null
/** The newest only: one of 16 million frames takes 64 MB. */
let newest: { frames: number, layout: Promise<MapLayout> } | null = null

async function ask(frames: number): Promise<MapLayout> {
  worker ??= new Worker(new URL('./layoutWorker.ts', import.meta.url), { type: 'module' })
  const asked = worker
  return new Promise((resolve, reject) => {
    const take = ({ data }: MessageEvent<MapLayout>): void => {
      if (data.frames !== frames)
        return
      asked.removeEventListener('message', take)
      resolve(data)
    }
    asked.addEventListener('message', take)
    asked.addEventListener('error', () => reject(new Error('The map could not be laid out.')), { once: true })
    asked.postMessage(frames)
  })
}

export async function layoutFor(frames: number): Promise<MapLayout> {
  if (newest?.frames !== frames)
    newest = { frames, layout: ask(frames) }
  return newest.layout
}
