/**
 * OpenSSH's known_hosts format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): who is known under which key.
 * Pure but for reading and appending the files. Two choices are stricter than OpenSSH's client:
 * a host known only by keys of other types counts as changed, and `[host]:port` never falls back to `host`.
 * `@cert-authority` lines are no host's own key and never vouch for one, because no certificates are asked for.
 */
import { createHash, createHmac } from 'node:crypto'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'

interface KnownHost {
  marker: 'revoked' | 'cert-authority' | null
  /** Comma-separated patterns, or one hashed name. */
  names: string
  keyType: string
  /** The public key in SSH wire format. */
  key: Buffer
  file: string
  line: number
}

export type HostKeyVerdict
  = | { kind: 'known' | 'unknown' }
    | { kind: 'revoked' | 'changed', file: string, line: number }

/** The name that known_hosts uses for a host: bare on port 22, otherwise `[host]:port`. */
export function knownHostName(host: string, port: number): string {
  const lower = host.toLowerCase()
  return port === 22 ? lower : `[${lower}]:${port}`
}

/** Lines that are no entry (comments, damage) are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((line, index) => {
    const words = line.trim().split(/\s+/)
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined
    const [names, keyType, base64] = words
    if (names === undefined || keyType === undefined || base64 === undefined || names.startsWith('#'))
      return []
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority')
      return []
    const key = Buffer.from(base64, 'base64')
    if (keyTypeOf(key) !== keyType)
      return []
    return [{ marker: marker === undefined ? null : marker.slice(1) as KnownHost['marker'], names, keyType, key, file, line: index + 1 }]
  })
}

/** The type that a public key in wire format states about itself; an empty string if it is none. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4)
    return ''
  const length = key.readUInt32BE(0)
  return length > 64 ? '' : key.toString('latin1', 4, 4 + length)
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** Reads all files; one that is absent has no entries. */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const perFile = await Promise.all(files.map(async file => parseKnownHosts(await readOrEmpty(file), file)))
  return perFile.flat()
}

/** What the files say about this key for this host. A match anywhere wins over other keys; a revocation wins over all. */
export function judgeHostKey(entries: readonly KnownHost[], host: string, port: number, key: Buffer): HostKeyVerdict {
  const name = knownHostName(host, port)
  const forHost = entries.filter(entry => matchesName(entry.names, name))
  const revoked = forHost.find(entry => entry.marker === 'revoked' && entry.key.equals(key))
  if (revoked)
    return { kind: 'revoked', file: revoked.file, line: revoked.line }
  const own = forHost.filter(entry => entry.marker === null)
  const other = own[0]
  if (other === undefined)
    return { kind: 'unknown' }
  return own.some(entry => entry.key.equals(key)) ? { kind: 'known' } : { kind: 'changed', file: other.file, line: other.line }
}

/** The types of the keys that a host is known by, so that one of these is asked for. */
export function knownKeyTypes(entries: readonly KnownHost[], host: string, port: number): string[] {
  const name = knownHostName(host, port)
  return entries.filter(entry => entry.marker === null && matchesName(entry.names, name)).map(entry => entry.keyType)
}

/** Appends one entry, making the file (0600) and its folder (0700) if needed. */
export async function appendKnownHost(file: string, host: string, port: number, key: Buffer): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await appendFile(file, `${knownHostName(host, port)} ${keyTypeOf(key)} ${key.toString('base64')}\n`, { mode: 0o600 })
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  }
  catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return ''
    throw error
  }
}

function matchesName(names: string, name: string): boolean {
  if (names.startsWith('|'))
    return matchesHash(names, name)
  const patterns = names.toLowerCase().split(',')
  if (patterns.some(pattern => pattern.startsWith('!') && matchesPattern(pattern.slice(1), name)))
    return false
  return patterns.some(pattern => !pattern.startsWith('!') && matchesPattern(pattern, name))
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, both parts in base64. */
function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|')
  if (version !== '1' || salt === undefined || hash === undefined)
    return false
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest().equals(Buffer.from(hash, 'base64'))
}

/** `*` stands for any run of characters and `?` for one; nothing else is special, brackets least of all. */
function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.replace(/[\\^$.+|()[\]{}]/g, '\\$&').replace(/\*+/g, '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(name)
}
