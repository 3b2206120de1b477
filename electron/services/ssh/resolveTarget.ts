/**
 * From what a user types to an SSH target: `user@host[:port]`, `[ipv6]:port`, or a Host of ~/.ssh/config.
 *
 * Of the config file these count: HostName, User, Port, IdentityFile, ProxyJump, UserKnownHostsFile, Include.
 * A ProxyCommand is refused, because it would run a program of the config's choice; `Match exec` never runs and
 * never matches. StrictHostKeyChecking is not heeded: host keys are always verified.
 */
import type { Directive, Line, Section } from 'ssh-config'
import type { SshTarget } from './types.ts'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import SSHConfig from 'ssh-config'
import { Me2Error } from '../../../shared/errors.ts'

export interface ResolveOptions {
  /** Default: ~/.ssh/config. An absent file is an empty one. */
  configFile?: string
  /** What `~` stands for, and where the default keys are. */
  home?: string
  /** The user where neither the spec nor the config names one. */
  defaultUser?: string
}

interface HostSpec {
  user?: string
  host: string
  port?: number
}

interface Context {
  config: SSHConfig
  configFile: string
  home: string
  defaultUser: string
}

const defaultKeyNames = ['id_ed25519', 'id_ecdsa', 'id_rsa']
const maxJumps = 8
const maxIncludeDepth = 8

/**
 * Resolves one spec. Reads the config file and looks which default keys exist; connects nowhere.
 *
 * @throws Me2Error `usage` for a malformed spec, `config-refused` for a config that cannot be followed safely.
 */
export function resolveTarget(spec: string, options: ResolveOptions = {}): SshTarget {
  const home = options.home ?? os.homedir()
  const configFile = options.configFile ?? path.join(home, '.ssh', 'config')
  const defaultUser = options.defaultUser ?? os.userInfo().username
  const context = { config: readConfig(configFile, home, 0), configFile, home, defaultUser }
  return resolveHost(parseSpec(spec), context, 0)
}

/** Splits `user@host:port`. An IPv6 address needs brackets only if a port follows. */
function parseSpec(spec: string): HostSpec {
  const at = spec.lastIndexOf('@')
  const user = at === -1 ? undefined : spec.slice(0, at)
  const { host, port } = splitPort(spec.slice(at + 1))
  const userIsFine = user === undefined || /^[\w.][\w.@$+-]{0,63}$/.test(user)
  const portIsFine = port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65535)
  const hostIsFine = isIPv6(host) || /^[\w.][\w.-]{0,252}$/.test(host)
  if (!userIsFine || !portIsFine || !hostIsFine)
    throw new Me2Error('usage', `"${spec.slice(0, 300)}" is no host.`, 'Write user@host, user@host:port or a Host from ~/.ssh/config.')
  return { user, host, port }
}

function splitPort(text: string): { host: string, port?: number } {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text)
  if (bracketed)
    return { host: bracketed[1] ?? '', port: bracketed[2] === undefined ? undefined : Number(bracketed[2]) }
  const plain = /^([^:]*):(\d{1,5})$/.exec(text)
  return plain ? { host: plain[1] ?? '', port: Number(plain[2]) } : { host: text }
}

function resolveHost(spec: HostSpec, context: Context, depth: number): SshTarget {
  if (depth > maxJumps)
    throw refused(context.configFile, `its ProxyJump for ${spec.host} goes round in a circle`)
  const found = settingsFor(spec, context)
  if (found.one('proxycommand') !== undefined)
    throw refused(context.configFile, `it sets a ProxyCommand for ${spec.host}, which would run a program on this machine`, 'Use ProxyJump instead, or write user@host:port.')
  const host = expandTokens(found.one('hostname') ?? spec.host, { h: spec.host })
  const user = spec.user ?? found.one('user') ?? context.defaultUser
  const tokens = { h: host, n: spec.host, r: user, u: context.defaultUser, d: context.home }
  const toPath = (value: string): string => expandPath(value, context.home, tokens)
  const identityFiles = found.all('identityfile').map(toPath)
  const knownHostsFiles = found.all('userknownhostsfile').map(toPath)
  return {
    ...checked({ host, user, port: spec.port ?? Number(found.one('port') ?? 22) }, context.configFile),
    identityFiles: identityFiles.length > 0 ? identityFiles : defaultIdentityFiles(context.home),
    ...(knownHostsFiles.length > 0 && { knownHostsFiles }),
    ...jumpsOf(found.one('proxyjump'), context, depth),
  }
}

/** The settings that apply to a host; `none` counts as not set, as in OpenSSH. */
function settingsFor(spec: HostSpec, context: Context): { one: (name: string) => string | undefined, all: (name: string) => string[] } {
  const values = context.config.compute({ Host: spec.host, User: spec.user }, { ignoreCase: true, matchExec: false })
  const all = (name: string): string[] => [values[name] ?? []].flat().filter(value => value.toLowerCase() !== 'none')
  return { all, one: name => all(name)[0] }
}

/** What the config says goes through the same check as what is typed. */
function checked(target: { host: string, user: string, port: number }, configFile: string): { host: string, user: string, port: number } {
  try {
    parseSpec(`${target.user}@[${target.host}]:${target.port}`)
  }
  catch (cause) {
    throw new Me2Error('config-refused', `${configFile} leads to a host, user or port that cannot be: ${target.user}@${target.host}:${target.port}.`, 'Correct it.', { cause })
  }
  return target
}

/** Nearest first. A jump host's own jumps count for the first one only, since the others are reached through it. */
function jumpsOf(proxyJump: string | undefined, context: Context, depth: number): { jumps?: SshTarget[] } {
  if (proxyJump === undefined)
    return {}
  const hops = proxyJump.split(',').map(spec => resolveHost(parseSpec(spec.trim()), context, depth + 1))
  const before = hops[0]?.jumps ?? []
  const jumps = [...before, ...hops.map(hop => ({ ...hop, jumps: undefined }))]
  if (jumps.length > maxJumps)
    throw refused(context.configFile, `it asks for more than ${maxJumps} jump hosts`)
  return { jumps }
}

function defaultIdentityFiles(home: string): string[] {
  return defaultKeyNames.map(name => path.join(home, '.ssh', name)).filter(file => existsSync(file))
}

/** Parses a config file and puts what it includes in place. */
function readConfig(file: string, home: string, depth: number): SSHConfig {
  if (depth > maxIncludeDepth)
    throw refused(file, 'its Include lines go round in a circle')
  const config = parseConfig(file)
  for (let index = config.length - 1; index >= 0; index--) {
    const line = config[index]!
    if (isSection(line) && line.config.some(isInclude))
      throw refused(file, 'an Include inside a Host or Match block is not understood here', 'Move the Include to the top of the file.')
    if (isInclude(line))
      config.splice(index, 1, ...includedFiles(line.value, home).flatMap(included => [...readConfig(included, home, depth + 1)]))
  }
  return config
}

function isSection(line: Line): line is Section {
  return 'config' in line
}

function isInclude(line: Line): line is Directive {
  return line.type === SSHConfig.DIRECTIVE && /^include$/i.test(line.param)
}

function parseConfig(file: string): SSHConfig {
  if (!existsSync(file))
    return SSHConfig.parse('')
  try {
    return SSHConfig.parse(readFileSync(file, 'utf8'))
  }
  catch (cause) {
    throw new Me2Error('config-refused', `${file} cannot be read: ${(cause as Error).message}`, 'Correct it, or write user@host:port.', { cause })
  }
}

/** An Include's patterns: relative ones start in ~/.ssh. */
function includedFiles(value: string | { val: string }[], home: string): string[] {
  const patterns = typeof value === 'string' ? value.split(/\s+/) : value.map(part => part.val)
  return patterns.flatMap(pattern => globSync(path.resolve(home, '.ssh', expandPath(pattern, home, {}))).sort())
}

function expandPath(value: string, home: string, tokens: Record<string, string>): string {
  const withHome = value === '~' || value.startsWith('~/') ? home + value.slice(1) : value
  const withVariables = withHome.replace(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole)
  return expandTokens(withVariables, tokens)
}

function expandTokens(value: string, tokens: Record<string, string>): string {
  return value.replace(/%([%a-z])/gi, (whole, token: string) => token === '%' ? '%' : tokens[token] ?? whole)
}

function refused(file: string, reason: string, action = 'Correct it, or write user@host:port.'): Me2Error {
  return new Me2Error('config-refused', `${file} is not followed: ${reason}.`, action)
}
