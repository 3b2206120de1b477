import type { SshTarget } from '../../../electron/services/ssh/types.ts'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveTarget } from '../../../electron/services/ssh/resolveTarget.ts'

let home: string
let configFile: string
beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'me2-home-'))
  mkdirSync(path.join(home, '.ssh'))
  configFile = path.join(home, '.ssh', 'config')
  writeFileSync(path.join(home, '.ssh', 'id_ed25519'), '')
})
afterAll(() => rmSync(home, { recursive: true }))

function resolve(spec: string, config = ''): SshTarget {
  writeFileSync(configFile, config)
  return resolveTarget(spec, { home, configFile, defaultUser: 'me' })
}

describe('what is typed', () => {
  it.each([
    ['xen1', { user: 'me', host: 'xen1', port: 22 }],
    ['root@xen1', { user: 'root', host: 'xen1', port: 22 }],
    ['root@xen1:2222', { user: 'root', host: 'xen1', port: 2222 }],
    ['root@192.0.2.1', { user: 'root', host: '192.0.2.1', port: 22 }],
    ['root@[2001:db8::1]:2222', { user: 'root', host: '2001:db8::1', port: 2222 }],
    ['[2001:db8::1]', { user: 'me', host: '2001:db8::1', port: 22 }],
    ['2001:db8::1', { user: 'me', host: '2001:db8::1', port: 22 }],
    ['root@fe80::1%eth0', { user: 'root', host: 'fe80::1%eth0', port: 22 }],
    ['first.last@lab.example@xen1', { user: 'first.last@lab.example', host: 'xen1' }],
    ['root@', undefined],
    ['', undefined],
    ['@xen1', undefined],
    ['-oProxyCommand=id', undefined],
    ['root@-x', undefined],
    ['-x@xen1', undefined],
    ['xen1:0', undefined],
    ['xen1:70000', undefined],
    ['xen1:ssh', undefined],
    ['xen 1', undefined],
    ['xen1;id', undefined],
    ['xen1:22:22', undefined],
    ['[2001:db8::1', undefined],
    ['x'.repeat(300), undefined],
  ])('%s', (spec, expected) => {
    if (expected === undefined)
      expect(() => resolve(spec)).toThrow(expect.objectContaining({ code: 'usage' }) as Error)
    else
      expect(resolve(spec)).toMatchObject(expected)
  })

  it('uses the default keys that exist', () => {
    expect(resolve('xen1').identityFiles).toEqual([path.join(home, '.ssh', 'id_ed25519')])
  })
})

describe('~/.ssh/config', () => {
  const config = `
    # a classroom
    Host xen1 x1
      HostName 192.0.2.7
      User operator
      Port 2200
      IdentityFile ~/.ssh/lab key
      IdentityFile %d/.ssh/%r-%h
      UserKnownHostsFile ~/.ssh/lab_hosts /etc/lab_hosts
    Host xen2
      HostName %h.example.org
      ProxyJump gate,student@second:23
    Host gate
      HostName gate.example.org
      User jumper
    Host none
      ProxyJump none
      ProxyCommand none
    Match host 192.0.2.9
      Port 99
    Host *
      User everyone
      IdentityFile ~/.ssh/everyone
  `.replace('lab key', 'lab_key')

  it('gives address, user, port, keys and known_hosts files, the first value first', () => {
    expect(resolve('x1', config)).toEqual({
      host: '192.0.2.7',
      user: 'operator',
      port: 2200,
      identityFiles: [`${home}/.ssh/lab_key`, `${home}/.ssh/operator-192.0.2.7`, `${home}/.ssh/everyone`],
      knownHostsFiles: [`${home}/.ssh/lab_hosts`, '/etc/lab_hosts'],
    })
  })

  it('gives way to what is typed', () => {
    expect(resolve('root@xen1:22', config)).toMatchObject({ host: '192.0.2.7', user: 'root', port: 22 })
  })

  it('follows ProxyJump, nearest first, each hop with its own settings', () => {
    const { host, jumps } = resolve('xen2', config)
    expect(host).toBe('xen2.example.org')
    expect(jumps?.map(({ user, host, port }) => `${user}@${host}:${port}`)).toEqual(['jumper@gate.example.org:22', 'student@second:23'])
    expect(resolve('none', config).jumps).toBeUndefined()
  })

  it('puts the jumps of the first jump host before it', () => {
    const { jumps } = resolve('a', 'Host a\n ProxyJump b\nHost b\n ProxyJump c\n')
    expect(jumps?.map(({ host, jumps }) => [host, jumps])).toEqual([['c', undefined], ['b', undefined]])
  })

  it('agrees with ssh -G', () => {
    for (const name of ['xen1', 'x1', 'xen2', 'gate', 'other', '192.0.2.9']) {
      const ours = resolve(name, config)
      const printed = execFileSync('ssh', ['-G', '-T', '-F', configFile, name], { encoding: 'utf8' })
      const theirs = Object.fromEntries(printed.split('\n').map(line => line.split(' ') as [string, string]))
      expect({ host: ours.host, user: ours.user, port: String(ours.port) }).toEqual({ host: theirs.hostname, user: theirs.user, port: theirs.port })
    }
  })

  it('reads included files where they stand, and what follows still counts for all', () => {
    writeFileSync(path.join(home, '.ssh', 'extra.conf'), 'Host xen5\n  Port 5555\n')
    expect(resolve('xen5', 'Include *.conf\nUser afterwards\n')).toMatchObject({ port: 5555, user: 'afterwards' })
    expect(resolve('xen6', 'Include nothing-*.conf\n')).toMatchObject({ port: 22 })
  })

  it.each([
    ['a ProxyCommand', 'Host xen1\n ProxyCommand touch /tmp/x\n', /ProxyCommand/],
    ['a ProxyCommand of a jump host', 'Host xen1\n ProxyJump gate\nHost gate\n ProxyCommand nc %h %p\n', /ProxyCommand/],
    ['jumps in a circle', 'Host xen1\n ProxyJump gate\nHost gate\n ProxyJump xen1\n', /circle/],
    ['an Include in a circle', 'Include config\n', /circle/],
    ['an Include inside a block', 'Host *\n  Include other\n', /inside a Host/],
    ['a port that cannot be', 'Host xen1\n Port many\n', /cannot be/],
    ['a host name that cannot be', 'Host xen1\n HostName -oProxyCommand=id\n', /cannot be/],
  ])('is not followed for %s', (_what, config, reason) => {
    expect(() => resolve('xen1', config)).toThrow(expect.objectContaining({ code: 'config-refused', message: expect.stringMatching(reason) as string }) as Error)
  })

  it('never runs a command of its own', () => {
    const trace = path.join(home, 'trace')
    expect(resolve('xen1', `Match exec "touch ${trace}"\n  Port 99\nHost *\n  Port 23\n`).port).toBe(23)
    expect(existsSync(trace)).toBe(false)
  })

  it('may be absent', () => {
    expect(resolveTarget('root@xen1', { home: '/nowhere', configFile: '/nowhere/config' })).toMatchObject({ host: 'xen1', identityFiles: [] })
  })
})
