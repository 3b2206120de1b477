/** The list of one's own hosts: a JSON file in the data folder. It holds addresses, never a secret. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'
import { writeAtomically } from '../runs/atomicFile.ts'

const hostSchema = z.object({
  /** What the user calls it; no two hosts have the same. */
  name: z.string().min(1).max(100),
  /** `user@host[:port]`, or a Host of ~/.ssh/config. */
  address: z.string().min(1).max(300),
})
export type StoredHost = z.infer<typeof hostSchema>

const fileSchema = z.object({ version: z.literal(1), hosts: z.array(hostSchema).max(1000) })

export interface HostStore {
  list: () => Promise<StoredHost[]>
  /** Adds a host, or gives the one of that name a new address. */
  add: (host: StoredHost) => Promise<void>
  /** False if there was none of that name. */
  remove: (name: string) => Promise<boolean>
}

/**
 * Opens the list in `file`, which need not exist yet.
 * Its methods throw Me2Error `usage` for a host that cannot be stored, `config-refused` for a file that is damaged.
 */
export function openHostStore(file: string): HostStore {
  let turn: Promise<unknown> = Promise.resolve()
  /** One change after the other, each on what the last one left. */
  const change = async <Result>(edit: (hosts: StoredHost[]) => { hosts: StoredHost[], result: Result }): Promise<Result> => {
    const next = turn.then(async () => {
      const { hosts, result } = edit(await readHosts(file))
      await writeHosts(file, hosts)
      return result
    })
    turn = next.catch(() => {})
    return next
  }
  return {
    list: async () => readHosts(file),
    add: async (host) => {
      const { success, data } = hostSchema.safeParse(host)
      if (!success)
        throw new Me2Error('usage', 'A host needs a name of 1 to 100 characters and an address.')
      return change(hosts => ({ hosts: [...hosts.filter(each => each.name !== data.name), data], result: undefined }))
    },
    remove: async name => change(hosts => ({ hosts: hosts.filter(each => each.name !== name), result: hosts.some(each => each.name === name) })),
  }
}

async function readHosts(file: string): Promise<StoredHost[]> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).hosts
  }
  catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      return []
    throw new Me2Error('config-refused', `The list of hosts cannot be read: ${file}.`, 'Correct the file, or remove it to start with an empty list.', { cause })
  }
}

async function writeHosts(file: string, hosts: StoredHost[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await writeAtomically(file, `${JSON.stringify({ version: 1, hosts }, null, 2)}\n`)
}
