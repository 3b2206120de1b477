import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appScheme, createPageHandler } from '../../../electron/shell/appPages.ts'

describe('the pages behind app://console', () => {
  let around: string
  let handle: (request: Request) => Promise<Response>
  /** Requests keep only addresses that URL can parse, so this one is as Electron's: whatever the page asked for. */
  const get = async (url: string, method = 'GET'): Promise<Response> => handle({ url, method } as Request)

  beforeAll(async () => {
    around = await mkdtemp(join(tmpdir(), 'me2-pages-'))
    const folder = join(around, 'renderer')
    await mkdir(join(folder, 'assets'), { recursive: true })
    await mkdir(join(around, 'renderer-private'))
    await writeFile(join(folder, 'index.html'), '<!doctype html>')
    await writeFile(join(folder, 'assets', 'app.js'), 'export {}')
    await writeFile(join(folder, 'assets', 'run.sh'), 'echo')
    await writeFile(join(around, 'secret.js'), 'secret')
    await writeFile(join(around, 'renderer-private', 'secret.js'), 'secret')
    handle = createPageHandler(folder)
  })

  afterAll(async () => rm(around, { recursive: true }))

  it.each([
    ['app://console/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['app://console/#/race', 'text/html; charset=utf-8', '<!doctype html>'],
    ['app://console/assets/app.js?v=1', 'text/javascript; charset=utf-8', 'export {}'],
    ['app://console/assets/../assets/app.js', 'text/javascript; charset=utf-8', 'export {}'],
  ])('serves %s', async (url, type, text) => {
    const response = await get(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(await response.text()).toBe(text)
  })

  it.each([
    'app://console/../secret.js',
    'app://console/%2e%2e/secret.js',
    'app://console/..%2fsecret.js',
    'app://console/assets/..%2f..%2fsecret.js',
    'app://console/..%5csecret.js',
    'app://console/..%2frenderer-private/secret.js',
    'app://console/%00',
    'app://console/%zz',
    'app://console/assets/app.js%00.png',
    'app://console/assets',
    'app://console/assets/run.sh',
    'app://console/missing.js',
    'app://elsewhere/index.html',
    'app://console.evil/index.html',
    'file:///etc/passwd',
    'not an address',
  ])('finds nothing at %s', async (url) => {
    const response = await get(url)
    expect(response.status).toBe(404)
    expect(await response.text()).toBe('')
  })

  it('only reads', async () => {
    expect((await get('app://console/', 'POST')).status).toBe(405)
  })

  it('lets a page load nothing but its own files, whatever was asked for', async () => {
    for (const url of ['app://console/', 'app://console/assets/app.js', 'app://console/missing.js']) {
      const { headers } = await get(url)
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*connect-src 'none'/)
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|https?:/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('is a scheme with an origin, and without a way past the policy', () => {
    expect(appScheme.privileges).toMatchObject({ standard: true, secure: true })
    expect(appScheme.privileges).not.toHaveProperty('bypassCSP')
    expect(appScheme.privileges).not.toHaveProperty('allowServiceWorkers')
  })
})
