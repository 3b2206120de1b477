import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import config from '../../../electron-builder.config.ts'

const root = join(import.meta.dirname, '..', '..', '..')

describe('the installable app', () => {
  it('states every fuse that electron-builder can set', async () => {
    // The library's own list, so that a fuse which a new version brings is missed here.
    const packager = await readFile(join(root, 'node_modules', 'app-builder-lib', 'out', 'platformPackager.js'), 'utf8')
    const known = new Set([...packager.matchAll(/\bfuses\.(\w+)/g)].map(([, name]) => name))
    expect(known.size).toBeGreaterThan(7)
    expect(new Set(Object.keys(config.electronFuses ?? {}))).toEqual(known)
  })

  it('is no Node for others, and runs only the code it was built with', () => {
    expect(config.electronFuses).toMatchObject({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
      enableCookieEncryption: true,
      loadBrowserProcessSpecificV8Snapshot: false,
    })
    expect(config.asar).toBe(true)
  })

  it('comes as deb first', () => {
    expect(config.linux?.target).toEqual(['deb', 'AppImage'])
  })

  it('has the programs beside the archive, where they can be run', () => {
    expect(config.extraResources).toContainEqual({ from: 'resources/agent/build/agent', to: 'agent/build/agent' })
    expect(config.extraResources).toContainEqual({ from: 'resources/lab', to: 'lab' })
  })

  it('has an icon of every size that a desktop asks for', async () => {
    const sizes = [16, 32, 48, 64, 128, 256, 512, 1024]
    expect(await readdir(join(root, 'resources', 'icons'))).toEqual(expect.arrayContaining(sizes.map(size => `${size}x${size}.png`)))
    for (const size of sizes) {
      const png = await readFile(join(root, 'resources', 'icons', `${size}x${size}.png`))
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size])
    }
  })
})
