/** Lays a guest's frames out beside the main thread. Takes a number of frames, gives a MapLayout. */
import { layOut } from './hilbert.ts'

addEventListener('message', ({ data }: MessageEvent<number>) => {
  const layout = layOut(data)
  postMessage(layout, { transfer: [layout.cells.buffer] })
})
