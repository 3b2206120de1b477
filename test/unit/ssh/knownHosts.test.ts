import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fingerprintOf, judgeHostKey, keyTypeOf, knownHostName, knownKeyTypes, parseKnownHosts } from '../../../electron/services/ssh/knownHosts.ts'

/** A key in wire format; its content does not matter here. */
function wireKey(type: string, content: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(type.length)
  return Buffer.concat([length, Buffer.from(type), Buffer.alloc(32, content)])
}

const ed25519 = wireKey('ssh-ed25519', 1)
const otherEd25519 = wireKey('ssh-ed25519', 2)
const rsa = wireKey('ssh-rsa', 3)

const entry = (names: string, key: Buffer): string => `${names} ${keyTypeOf(key)} ${key.toString('base64')}`
const judge = (lines: string[], key: Buffer, host = 'xen1', port = 22): string => judgeHostKey(parseKnownHosts(lines.join('\n'), 'file'), host, port, key).kind

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'me2-known-hosts-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('names and patterns', () => {
  it.each([
    ['xen1', 'xen1', 22, 'known'],
    ['XEN1', 'Xen1', 22, 'known'],
    ['xen1,10.0.0.1', '10.0.0.1', 22, 'known'],
    ['xen1', 'xen10', 22, 'unknown'],
    ['xen1', 'xen1', 2222, 'unknown'],
    ['[xen1]:2222', 'xen1', 2222, 'known'],
    ['[xen1]:2222', 'xen1', 22, 'unknown'],
    ['*.lab', 'xen1.lab', 22, 'known'],
    ['*.lab', 'xen1.lab', 2222, 'unknown'],
    ['[*.lab]:2222', 'xen1.lab', 2222, 'known'],
    ['*.lab,!xen1.lab', 'xen1.lab', 22, 'unknown'],
    ['!xen1.lab,*.lab', 'xen2.lab', 22, 'known'],
    ['!xen1.lab', 'xen2.lab', 22, 'unknown'],
    ['xen?', 'xen1', 22, 'known'],
    ['xen?', 'xen', 22, 'unknown'],
    ['x.n1', 'xen1', 22, 'unknown'],
    ['2001:db8::1', '2001:db8::1', 22, 'known'],
  ])('%s for %s port %i: %s', (names, host, port, verdict) => {
    expect(judge([entry(names, ed25519)], ed25519, host, port)).toBe(verdict)
  })

  it('agrees with ssh-keygen -F on any name and pattern, hashed or not', () => {
    const file = path.join(folder, 'known_hosts')
    const key = execFileSync('sh', ['-c', 'ssh-keygen -q -t ed25519 -N "" -f "$0/key" && cat "$0/key.pub"', folder], { encoding: 'utf8' }).trim()
    const wire = Buffer.from(key.split(' ')[1]!, 'base64')
    const host = fc.string({ unit: fc.constantFrom('a', 'b', '.', '1'), minLength: 1, maxLength: 5 })
    const pattern = fc.tuple(fc.boolean(), fc.string({ unit: fc.constantFrom('a', 'b', '.', '1', '*', '?'), minLength: 1, maxLength: 5 })).map(([not, text]) => (not ? '!' : '') + text)
    fc.assert(fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), host, fc.boolean(), (patterns, name, hashed) => {
      const line = `${hashed ? name : patterns.join(',')} ${key}\n`
      writeFileSync(file, line)
      if (hashed)
        execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
      const found = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })
      const text = hashed ? execFileSync('cat', [file], { encoding: 'utf8' }) : line
      expect(judgeHostKey(parseKnownHosts(text, file), name, 22, wire).kind).toBe(found.status === 0 ? 'known' : 'unknown')
    }), { numRuns: 100 })
  }, 60_000)
})

describe('several entries', () => {
  it('one that matches is enough, wherever it stands', () => {
    expect(judge([entry('xen1', otherEd25519), entry('xen1', ed25519)], ed25519)).toBe('known')
  })

  it('another key of the same type is a change', () => {
    expect(judge([entry('xen1', otherEd25519)], ed25519)).toBe('changed')
  })

  it('only a key of another type is a change as well: otherwise whoever is in between would choose another type', () => {
    expect(judge([entry('xen1', rsa)], ed25519)).toBe('changed')
  })

  it('a revoked key is refused even where it is known', () => {
    expect(judge([entry('xen1', ed25519), entry('@revoked *', ed25519)], ed25519)).toBe('revoked')
  })

  it('a revoked key says nothing about other keys and other hosts', () => {
    expect(judge([entry('xen1', ed25519), entry('@revoked *', otherEd25519)], ed25519)).toBe('known')
    expect(judge([entry('xen1', ed25519), entry('@revoked xen2', ed25519)], ed25519)).toBe('known')
  })

  it('a certificate authority is nobody\'s host key', () => {
    expect(judge([entry('@cert-authority *', ed25519)], ed25519)).toBe('unknown')
    expect(judge([entry('@cert-authority *', otherEd25519), entry('xen1', ed25519)], ed25519)).toBe('known')
  })

  it('tells where the other key stands', () => {
    const text = ['# comment', '', entry('xen1', otherEd25519)].join('\n')
    expect(judgeHostKey(parseKnownHosts(text, '/etc/known'), 'xen1', 22, ed25519)).toEqual({ kind: 'changed', file: '/etc/known', line: 3 })
  })

  it('lists the types that a host is known by, its authorities not among them', () => {
    const text = [entry('xen1', rsa), entry('x*', ed25519), entry('@cert-authority *', wireKey('ecdsa-sha2-nistp256', 4)), entry('xen2', otherEd25519)].join('\n')
    expect(knownKeyTypes(parseKnownHosts(text, 'file'), 'xen1', 22)).toEqual(['ssh-rsa', 'ssh-ed25519'])
  })
})

it('passes over whatever is no entry', () => {
  const damaged = ['', '#', 'xen1', 'xen1 ssh-ed25519', 'xen1 ssh-ed25519 !!!', 'xen1 ssh-rsa AAAA', `@unknown xen1 ssh-ed25519 ${ed25519.toString('base64')}`, '|1|only ssh-ed25519 AAAA', entry('xen1', ed25519).replace('ssh-ed25519', 'ssh-rsa')]
  expect(parseKnownHosts(damaged.join('\n'), 'file')).toEqual([])
  fc.assert(fc.property(fc.string(), (text) => {
    expect(judgeHostKey(parseKnownHosts(text, 'file'), 'xen1', 22, ed25519).kind).toBe('unknown')
  }))
})

it('reads files with Windows line ends', () => {
  expect(judge([`${entry('xen1', ed25519)}\r`, ''], ed25519)).toBe('known')
})

it('prints fingerprints as ssh-keygen does', () => {
  const line = execFileSync('sh', ['-c', 'ssh-keygen -q -t ed25519 -N "" -f "$0/printed" && cat "$0/printed.pub" && ssh-keygen -lf "$0/printed.pub"', folder], { encoding: 'utf8' })
  const [, base64, , , fingerprint] = line.split(/\s+/)
  expect(fingerprintOf(Buffer.from(base64!, 'base64'))).toBe(fingerprint)
})

it('names a host as OpenSSH does', () => {
  expect([knownHostName('Xen1', 22), knownHostName('xen1', 2222), knownHostName('::1', 22), knownHostName('::1', 2222)]).toEqual(['xen1', '[xen1]:2222', '::1', '[::1]:2222'])
})
