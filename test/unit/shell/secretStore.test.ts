import type { SafeStorage } from 'electron'
import { Buffer } from 'node:buffer'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSecretStore } from '../../../electron/shell/secretStore.ts'

/** Stands for a keyring: reversible, and recognisably not the plain text. */
function keyring(owner = 'ada', backend: ReturnType<SafeStorage['getSelectedStorageBackend']> = 'gnome_libsecret', encrypts = true) {
  return {
    isEncryptionAvailable: () => encrypts,
    getSelectedStorageBackend: () => backend,
    encryptString: (text: string) => Buffer.from(`${owner}:${[...text].reverse().join('')}`),
    decryptString: (bytes: Buffer) => {
      const text = bytes.toString()
      if (!text.startsWith(`${owner}:`))
        throw new Error('Error while decrypting the ciphertext provided to safeStorage.decryptString.')
      return [...text.slice(owner.length + 1)].reverse().join('')
    },
  }
}

const key = 'password root@hosta:22'

describe('kept secrets', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'me2-secrets-'))
    file = join(folder, 'secrets.json')
  })
  afterEach(async () => rm(folder, { recursive: true }))

  it('come back in the next session, and never lie in the file as they are', async () => {
    await createSecretStore(keyring(), file, 'linux').set(key, 'correct horse')
    expect(await createSecretStore(keyring(), file, 'linux').get(key)).toBe('correct horse')
    expect(await readFile(file, 'utf8')).not.toContain('correct')
  })

  it('are forgotten on request, and the others stay', async () => {
    const store = createSecretStore(keyring(), file, 'linux')
    await Promise.all([store.set(key, 'one'), store.set('passphrase ~/.ssh/id', 'two')])
    await store.remove(key)
    expect(await store.get(key)).toBeUndefined()
    expect(await store.get('passphrase ~/.ssh/id')).toBe('two')
  })

  it('are not made up of what every object has', async () => {
    const store = createSecretStore(keyring(), file, 'linux')
    expect(await store.get('constructor')).toBeUndefined()
    await store.set('__proto__', 'one')
    expect(await store.get('__proto__')).toBe('one')
  })

  it('are none for another user, or where the file is damaged', async () => {
    await createSecretStore(keyring(), file, 'linux').set(key, 'one')
    expect(await createSecretStore(keyring('eve'), file, 'linux').get(key)).toBeUndefined()
    await writeFile(file, '{"password')
    expect(await createSecretStore(keyring(), file, 'linux').get(key)).toBeUndefined()
  })

  it.each([
    ['Linux has no keyring', keyring('ada', 'basic_text'), 'linux'],
    ['it is not known which', keyring('ada', 'unknown'), 'linux'],
    ['nothing can be encrypted', keyring('ada', 'gnome_libsecret', false), 'darwin'],
  ] as const)('are not kept where %s', async (_, weak, platform) => {
    const store = createSecretStore(weak, file, platform)
    expect(store.available).toBe(false)
    await store.set(key, 'one')
    expect(await store.get(key)).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
  })

  it('do not ask Windows and macOS for what only Linux knows', () => {
    expect(createSecretStore(keyring('ada', 'basic_text'), file, 'win32').available).toBe(true)
  })
})
