import type { Buffer } from 'node:buffer'
/**
 * The console for a browser: its files and its WebSocket on loopback. Whoever has the token of this start is in, with
 * the role that goes with it; everybody else learns nothing.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Role } from '../shared/contract/procedure.ts'
import type { Console } from './console.ts'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream'
import { WebSocketServer } from 'ws'
import { Me2Error } from '../shared/errors.ts'
import { contentSecurityPolicy } from './contentSecurityPolicy.ts'
import { createRouter } from './router.ts'
import { createSocketHandler } from './transports/webSocket.ts'

export interface WebOptions {
  console: Console
  /** dist/renderer. */
  filesFolder: string
  /** 0: any free one. */
  port?: number
}

export interface WebServer {
  port: number
  /** Addresses with their tokens: for the operator, and for those who only watch. */
  addresses: Record<Role, string>
  close: () => Promise<void>
}

const address = '127.0.0.1'
const tokenBytes = 32
const maxMessageBytes = 24 * 1024 * 1024
const protocolPrefix = 'me2.'

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Tokens by their digests, so that comparing takes the same time whatever was sent. */
class Tokens {
  private readonly known: { role: Role, digest: Buffer }[] = []

  issue(role: Role): string {
    const token = randomBytes(tokenBytes).toString('base64url')
    this.known.push({ role, digest: digest(token) })
    return token
  }

  roleOf(token: string): Role | null {
    const given = digest(token)
    return this.known.reduce<Role | null>((role, each) => timingSafeEqual(each.digest, given) ? each.role : role, null)
  }
}

/** Only names of this very server: another page's script, or a name that was pointed here, gets nothing. */
function isOurHost(request: IncomingMessage, port: number): boolean {
  return [`${address}:${port}`, `localhost:${port}`].includes(request.headers.host ?? '')
}

function isOurOrigin(request: IncomingMessage, port: number): boolean {
  return [`http://${address}:${port}`, `http://localhost:${port}`].includes(request.headers.origin ?? '')
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end()
}

async function serveFile(request: IncomingMessage, response: ServerResponse, folder: string): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://console')
  const path = normalize(join(folder, decodeURIComponent(pathname === '/' ? '/index.html' : pathname)))
  if (!path.startsWith(folder + sep) || path.includes('\0'))
    return refuse(response, 404)
  const file = await stat(path).catch(() => null)
  if (!file?.isFile())
    return refuse(response, 404)
  const inAssets = pathname.startsWith('/assets/')
  response.writeHead(200, {
    'content-type': mediaTypes[extname(path)] ?? 'application/octet-stream',
    'content-length': file.size,
    // Files in assets/ are named after their content.
    'cache-control': inAssets ? 'public, max-age=31536000, immutable' : 'no-store',
    'content-security-policy': contentSecurityPolicy({ connect: '\'self\'' }),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  })
  if (request.method === 'HEAD')
    response.end()
  else
    pipeline(createReadStream(path), response, () => {})
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}

/** The token travels as a subprotocol: not in an address, which ends up in logs. */
function tokenOf(request: IncomingMessage): string {
  const protocol = request.headers['sec-websocket-protocol'] ?? ''
  return protocol.startsWith(protocolPrefix) ? protocol.slice(protocolPrefix.length) : ''
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => reject(new Me2Error('usage', `The console cannot listen on port ${port}: ${cause.message}.`, 'Another program may have it: give another --port, or none.', { cause })))
    server.listen(port, address, resolve)
  })
  return portOf(server)
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function answerRequest(request: IncomingMessage, response: ServerResponse, port: number, folder: string): void {
  if (!isOurHost(request, port))
    return refuse(response, 421)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(response, 405)
  serveFile(request, response, folder).catch(() => refuse(response, 400))
}

/** The role that comes with the token, or the status that refuses. */
function roleOf(request: IncomingMessage, port: number, tokens: Tokens): Role | '403 Forbidden' | '401 Unauthorized' {
  if (!isOurHost(request, port) || !isOurOrigin(request, port))
    return '403 Forbidden'
  const role = tokens.roleOf(tokenOf(request))
  return role !== null && request.url === '/rpc' ? role : '401 Unauthorized'
}

/** Throws `usage` when it cannot listen on that port. */
export async function startWeb({ console, filesFolder, port: wanted = 0 }: WebOptions): Promise<WebServer> {
  const tokens = new Tokens()
  const folder = normalize(filesFolder)
  const serve = createSocketHandler(createRouter())
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  const server = createServer((request, response) => answerRequest(request, response, portOf(server), folder))
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    const role = roleOf(request, portOf(server), tokens)
    if (role !== 'operator' && role !== 'viewer')
      return refuseUpgrade(socket, role)
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      // A message that is too large ends this connection; it must not end the console.
      accepted.on('error', () => {})
      serve(accepted, { role, console })
    })
  })
  const port = await listen(server, wanted)
  const addressOf = (role: Role): string => `http://${address}:${port}/#token=${tokens.issue(role)}`
  return {
    port,
    addresses: { operator: addressOf('operator'), viewer: addressOf('viewer') },
    close: async () => {
      for (const socket of sockets.clients)
        socket.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
