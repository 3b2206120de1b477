/**
 * Passwords and passphrases that the user asked to keep, encrypted with the system's keyring. Where there is no real
 * keyring nothing is written: Electron would then encrypt with a password that is in its source.
 */
import type { SafeStorage } from 'electron'
import type { SecretStore } from '../services/questions/questionBoard.ts'
import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeAtomically } from '../services/runs/atomicFile.ts'

type Keyring = Pick<SafeStorage, 'isEncryptionAvailable' | 'encryptString' | 'decryptString' | 'getSelectedStorageBackend'>

const maxSecrets = 500
/** Key, and base64 of the encrypted value; the oldest first. */
const fileSchema = z.array(z.tuple([z.string().max(512), z.base64().max(16 * 1024)])).max(maxSecrets)
type Encrypted = Map<string, string>

function hasKeyring(keyring: Keyring, platform: NodeJS.Platform): boolean {
  return keyring.isEncryptionAvailable() && (platform !== 'linux' || !['basic_text', 'unknown'].includes(keyring.getSelectedStorageBackend()))
}

async function read(file: string): Promise<Encrypted> {
  try {
    return new Map(fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))))
  }
  catch {
    return new Map()
  }
}

/** After the app is ready: before that no keyring is known. */
export function createSecretStore(keyring: Keyring, file: string, platform: NodeJS.Platform): SecretStore {
  const available = hasKeyring(keyring, platform)
  let turn: Promise<unknown> = Promise.resolve()

  /** One change after the other: each writes the whole file. */
  async function change(edit: (secrets: Encrypted) => void): Promise<void> {
    if (!available)
      return
    const done = turn.then(async () => {
      const secrets = await read(file)
      edit(secrets)
      await writeAtomically(file, JSON.stringify([...secrets].slice(-maxSecrets)))
    })
    turn = done.catch(() => {})
    await done
  }

  async function get(key: string): Promise<string | undefined> {
    if (!available)
      return undefined
    await turn
    const encrypted = (await read(file)).get(key)
    try {
      return encrypted === undefined ? undefined : keyring.decryptString(Buffer.from(encrypted, 'base64'))
    }
    catch {
      return undefined
    }
  }

  return {
    available,
    get,
    set: async (key, value) => change((secrets) => {
      secrets.delete(key)
      secrets.set(key, keyring.encryptString(value).toString('base64'))
    }),
    remove: async key => change(secrets => secrets.delete(key)),
  }
}
