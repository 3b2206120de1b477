/** The hosts that ~/.ssh/config names, for a list to choose from. Patterns name no host and are left out. */
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import SSHConfig, { LineType } from 'ssh-config'

const maxAliases = 200

/** An unreadable or damaged file names no hosts; connecting to one of them tells what is wrong with it. */
export function readSshAliases(configFile = path.join(os.homedir(), '.ssh', 'config')): string[] {
  if (!existsSync(configFile))
    return []
  try {
    const lines = SSHConfig.parse(readFileSync(configFile, 'utf8'))
    const names = lines.flatMap(line => line.type === LineType.DIRECTIVE && line.param.toLowerCase() === 'host' ? namesIn(line.value) : [])
    return [...new Set(names)].slice(0, maxAliases)
  }
  catch {
    return []
  }
}

function namesIn(value: unknown): string[] {
  const words = Array.isArray(value) ? value.map(word => typeof word === 'string' ? word : String((word as { val: unknown }).val)) : String(value).split(/\s+/)
  return words.filter(word => word !== '' && !/[*?!]/.test(word))
}
