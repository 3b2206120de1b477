import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseDesktop, findElectron } from '../../../electron/shell/findElectron.ts'

describe('whether the console opens in Electron', () => {
  let root: string
  let executable: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'me2-electron-'))
    const folder = join(root, 'node_modules', 'electron')
    executable = join(folder, 'dist', 'electron')
    await mkdir(join(folder, 'dist'), { recursive: true })
    await writeFile(join(folder, 'path.txt'), 'electron')
    await writeFile(executable, '')
  })
  afterEach(async () => rm(root, { recursive: true }))

  const desktop = { platform: 'linux', env: { DISPLAY: ':0' }, uid: 1000 } as const

  it.each([
    ['X', desktop],
    ['Wayland', { ...desktop, env: { WAYLAND_DISPLAY: 'wayland-0' } }],
    ['Windows', { platform: 'win32', env: {}, uid: undefined }],
    ['macOS', { platform: 'darwin', env: {}, uid: 501 }],
  ] as const)('it does on %s', (_, surroundings) => {
    expect(chooseDesktop(root, surroundings)).toEqual({ executable })
  })

  it('it does not without a display', () => {
    expect(chooseDesktop(root, { ...desktop, env: { DISPLAY: '' } })).toEqual({ reason: 'there is no display' })
  })

  it('it does not for root, who would have to give up the sandbox', () => {
    expect(chooseDesktop(root, { ...desktop, uid: 0 })).toEqual({ reason: 'for root Electron runs only without its sandbox' })
  })

  it('it does not where the download never happened, or was broken off', async () => {
    await rm(executable)
    expect(findElectron(root)).toBeNull()
    await rm(join(root, 'node_modules'), { recursive: true })
    expect(chooseDesktop(root, desktop)).toEqual({ reason: 'Electron\'s executable is not here' })
  })
})
