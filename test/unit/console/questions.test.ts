import { expect, it } from 'vitest'
import { QuestionBoard } from '../../../electron/services/questions/questionBoard.ts'

const key = { host: 'xen1', port: 22, keyType: 'ssh-ed25519', fingerprint: 'SHA256:x' }

it('takes a host key only on a clear yes', async () => {
  const board = new QuestionBoard()
  for (const [answer, accepted] of [['yes', true], ['no', false], [null, false]] as const) {
    const asked = board.acceptHostKey(key)
    board.answer(board.open.value[0]!.id, answer)
    expect(await asked).toBe(accepted)
  }
  expect(board.open.value).toEqual([])
})

it('passes a secret on once and forgets it; giving up is no answer', async () => {
  const board = new QuestionBoard()
  const asked = board.askSecret({ kind: 'password', user: 'root', host: 'xen1' })
  const gaveUp = board.askSecret({ kind: 'passphrase', keyFile: 'id' })
  await Promise.resolve().then(() => {})
  const [first, second] = board.open.value
  board.answer('unknown', 'x')
  board.answer(first!.id, 'secret')
  board.answer(second!.id, null)
  expect(await asked).toBe('secret')
  expect(await gaveUp).toBeUndefined()
  expect(JSON.stringify(board.open.value)).not.toContain('secret')
})

it('answers nobody when the console closes', async () => {
  const board = new QuestionBoard()
  const asked = board.acceptHostKey(key)
  board.close()
  expect(await asked).toBe(false)
})

it('keeps a secret only when asked to, gives it once, and forgets one that was wrong', async () => {
  const kept = new Map<string, string>()
  const board = new QuestionBoard({
    available: true,
    get: async name => kept.get(name),
    set: async (name, value) => void kept.set(name, value),
    remove: async name => void kept.delete(name),
  })
  const question = { kind: 'password', user: 'root', host: 'xen1' } as const
  const untilAsked = async () => {
    for await (const open of board.open.follow()) {
      if (open[0])
        return open[0].id
    }
    return ''
  }
  const first = board.askSecret(question)
  board.answer(await untilAsked(), 'wrong', true)
  expect(await first).toBe('wrong')
  expect(await board.askSecret(question)).toBe('wrong')
  const again = board.askSecret(question)
  board.answer(await untilAsked(), 'right')
  expect(await again).toBe('right')
  expect([...kept]).toEqual([])
})
