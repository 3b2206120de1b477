import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readWindowState, saveWindowState, windowBounds } from '../../../electron/shell/windowState.ts'

const laptop = { x: 0, y: 25, width: 1440, height: 875 }
const projector = { x: 1440, y: 0, width: 1920, height: 1080 }
const state = { x: 100, y: 80, width: 1200, height: 700, maximised: false }

describe('where a new window opens', () => {
  it('is where it was', () => {
    expect(windowBounds(state, [laptop])).toEqual({ x: 100, y: 80, width: 1200, height: 700 })
    expect(windowBounds({ ...state, x: 1600 }, [laptop, projector])).toEqual({ x: 1600, y: 80, width: 1200, height: 700 })
  })

  it('is the middle of the primary display when the other one is gone', () => {
    expect(windowBounds({ ...state, x: 1600 }, [laptop])).toEqual({ width: 1200, height: 700, center: true })
  })

  it.each([
    ['above the display', { ...state, y: -400 }],
    ['below it', { ...state, y: 890 }],
    ['left of it', { ...state, x: -1150 }],
    ['right of it', { ...state, x: 1400 }],
  ])('is the middle when the title bar would be %s', (_, lost) => {
    expect(windowBounds(lost, [laptop])).toEqual({ width: 1200, height: 700, center: true })
  })

  it('is no larger than the display and no smaller than the screens need', () => {
    expect(windowBounds({ ...state, width: 5000, height: 4000 }, [laptop])).toMatchObject({ width: 1440, height: 875 })
    expect(windowBounds({ ...state, width: 10, height: 10 }, [laptop])).toMatchObject({ width: 880, height: 600 })
  })

  it('is the middle the first time', () => {
    expect(windowBounds(null, [projector])).toEqual({ width: 1440, height: 900, center: true })
  })
})

describe('the window\'s state', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'me2-window-'))
  })
  afterEach(async () => rm(folder, { recursive: true }))

  const window = { getNormalBounds: () => ({ x: 100, y: 80, width: 1200, height: 700 }), isMaximized: () => true }

  it('comes back as it was saved', async () => {
    const file = join(folder, 'window.json')
    await saveWindowState(file, window)
    expect(await readWindowState(file)).toEqual({ ...state, maximised: true })
  })

  it.each(['', '{', '[]', '{"x":1}', '{"x":"1","y":1,"width":1,"height":1,"maximised":true}', '{"x":1e99,"y":1,"width":1,"height":1,"maximised":true}'])('is none where the file holds %s', async (text) => {
    const file = join(folder, 'window.json')
    await writeFile(file, text)
    expect(await readWindowState(file)).toBeNull()
  })

  it('is none where there is no file, and closing a window never fails for it', async () => {
    const file = join(folder, 'no-such-folder', 'window.json')
    await saveWindowState(file, window)
    expect(await readWindowState(file)).toBeNull()
  })
})
