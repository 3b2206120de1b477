/** The built renderer behind the app: scheme: files below one folder, with a fixed type and a strict policy each. */
import type { CustomScheme } from 'electron'
import { readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { contentSecurityPolicy } from '../contentSecurityPolicy.ts'

const scheme = 'app'
const host = 'console'
export const appOrigin = `${scheme}://${host}`
export const appAddress = `${appOrigin}/`

/** Standard: it has origins and relative addresses. Secure: it may use what browsers keep for https. */
export const appScheme: CustomScheme = { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } }

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

const headers = {
  // The page talks to the console through its port and to nothing else.
  'content-security-policy': contentSecurityPolicy({ connect: '\'none\'' }),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
}

/** Null: the address names nothing that could be a file below the folder. */
function fileOf(folder: string, address: string): string | null {
  const url = URL.parse(address)
  if (url === null || url.protocol !== `${scheme}:` || url.host !== host)
    return null
  try {
    const path = decodeURIComponent(url.pathname)
    const file = join(folder, path === '/' ? 'index.html' : path)
    // After decoding, because an encoded slash or dot passes the URL parser untouched.
    return /[\0\\]/.test(path) || !file.startsWith(folder + sep) ? null : file
  }
  catch {
    return null
  }
}

/** Answers the scheme's requests from `folder`, an absolute path. */
export function createPageHandler(folder: string): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== 'GET')
      return new Response(null, { status: 405, headers })
    const file = fileOf(folder, request.url)
    const mediaType = file === null ? undefined : mediaTypes[extname(file).toLowerCase()]
    if (file === null || mediaType === undefined)
      return new Response(null, { status: 404, headers })
    try {
      return new Response(await readFile(file), { headers: { ...headers, 'content-type': mediaType } })
    }
    catch {
      return new Response(null, { status: 404, headers })
    }
  }
}
