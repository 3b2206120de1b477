import type { Console } from '../../../electron/console.ts'
/** Who gets into the console from a browser, and who does not. A real server with the real router, on loopback. */
import type { WebServer } from '../../../electron/web.ts'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createConsole } from '../../../electron/console.ts'
import { startWeb } from '../../../electron/web.ts'

let folder: string
let console: Console
let web: WebServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-web-'))
  const files = join(folder, 'files')
  await mkdir(join(files, 'assets'), { recursive: true })
  await writeFile(join(files, 'index.html'), '<!doctype html>page')
  await writeFile(join(files, 'assets', 'app-1.js'), 'app()')
  await writeFile(join(folder, 'secret.txt'), 'secret')
  console = await createConsole({ dataFolder: join(folder, 'data'), resourcesFolder: join(folder, 'resources'), shell: 'web', version: '0' })
  web = await startWeb({ console, filesFolder: files })
})

afterAll(async () => {
  await web.close()
  await console.close()
  await rm(folder, { recursive: true })
})

const tokenOf = (address: string): string => address.slice(address.indexOf('token=') + 'token='.length)

interface Knock {
  token?: string
  origin?: string
  host?: string
  path?: string
}

/** What comes of a WebSocket: 101, or the status it was refused with. */
async function knock({ token, origin = `http://127.0.0.1:${web.port}`, host, path = '/rpc' }: Knock): Promise<{ status: number, socket: WebSocket }> {
  const socket = new WebSocket(`ws://127.0.0.1:${web.port}${path}`, token === undefined ? [] : [`me2.${token}`], { origin, headers: host === undefined ? {} : { host } })
  const status = await new Promise<number>((resolve, reject) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  })
  if (status !== 101)
    socket.on('error', () => {})
  return { status, socket }
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number, body: string, headers: Record<string, unknown> }> {
  const asked = request({ host: '127.0.0.1', port: web.port, path, method, headers })
  asked.end()
  const [response] = await once(asked, 'response') as [import('node:http').IncomingMessage]
  let body = ''
  for await (const chunk of response)
    body += String(chunk)
  return { status: response.statusCode ?? 0, body, headers: response.headers }
}

describe('a WebSocket', () => {
  it('is let in with this start\'s token', async () => {
    const { status, socket } = await knock({ token: tokenOf(web.addresses.operator) })
    expect(status).toBe(101)
    socket.close()
  })

  it.each<[string, Knock, number]>([
    ['without a token', {}, 401],
    ['with a wrong token', { token: 'A'.repeat(43) }, 401],
    ['with an empty token', { token: '' }, 401],
    ['from a page of another origin', { origin: 'http://evil.example' }, 403],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['under a name that was pointed here', { host: 'evil.example' }, 403],
    ['at another path', { path: '/other' }, 401],
  ])('is refused %s', async (_, attack, status) => {
    const token = 'token' in attack || Object.keys(attack).length === 0 ? attack.token : tokenOf(web.addresses.operator)
    expect((await knock({ ...attack, token })).status).toBe(status)
  })

  it('is ended by a message that is too large, and the console lives on', async () => {
    const { socket } = await knock({ token: tokenOf(web.addresses.operator) })
    socket.on('error', () => {})
    socket.send(Buffer.alloc(25 * 1024 * 1024))
    const [code] = await once(socket, 'close') as [number]
    expect(code).toBe(1009)
    expect((await knock({ token: tokenOf(web.addresses.operator) })).status).toBe(101)
  })
})

it('says what to do when its port is taken', async () => {
  await expect(startWeb({ console, filesFolder: folder, port: web.port })).rejects.toMatchObject({ code: 'usage', action: expect.stringContaining('--port') as string })
})

describe('a file', () => {
  it('comes with the headers that keep a page to itself', async () => {
    const { status, body, headers } = await get('/')
    expect(status).toBe(200)
    expect(body).toContain('page')
    expect(headers['content-security-policy']).toContain('default-src \'none\'')
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
  })

  it('is kept by the browser where its name tells its content', async () => {
    expect((await get('/assets/app-1.js')).headers['cache-control']).toContain('immutable')
  })

  it.each(['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/../../secret.txt', '/%00', '/%zz', '/none'])('is not found outside: %s', async (path) => {
    const { status, body } = await get(path)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(body).not.toContain('secret')
  })

  it('is refused under a name that was pointed here', async () => {
    expect((await get('/', { host: 'evil.example' })).status).toBe(421)
  })

  it('is only read', async () => {
    expect((await get('/', {}, 'POST')).status).toBe(405)
  })
})
