import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it } from 'vitest'
import { menuLanguage, menuTemplate } from '../../../electron/shell/menu.ts'
import { menuCommands } from '../../../shared/contract/shellMessages.ts'

function items(template: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return template.flatMap(item => [item, ...Array.isArray(item.submenu) ? items(item.submenu) : []])
}

describe.each(['en', 'zh'] as const)('the menu in %s', (language) => {
  const sent: string[] = []
  const all = items(menuTemplate(language, 'linux', command => sent.push(command)))

  it('sends every command that there is, once', () => {
    for (const item of all)
      item.click?.(undefined as never, undefined, undefined as never)
    expect(sent.toSorted()).toEqual([...menuCommands].toSorted())
  })

  it('names every item in its language', () => {
    const labels = all.filter(({ type }) => type !== 'separator').map(({ label = '' }) => label)
    expect(labels.every(label => /\p{Script=Han}/u.test(label) === (language === 'zh'))).toBe(true)
    expect(labels).not.toContain('')
  })

  it('gives no accelerator twice, and none to a single key, which would take it from a text field', () => {
    const accelerators = all.flatMap(({ accelerator }) => accelerator === undefined ? [] : [accelerator])
    expect(new Set(accelerators).size).toBe(accelerators.length)
    expect(accelerators.every(accelerator => accelerator.startsWith('CmdOrCtrl+'))).toBe(true)
  })
})

describe('the menu', () => {
  it('leaves macOS its first one', () => {
    expect(menuTemplate('en', 'darwin', () => {})[0]).toEqual({ role: 'appMenu' })
    expect(menuTemplate('en', 'linux', () => {})[0]?.label).toBe('File')
  })

  it.each([
    ['zh', ['en-GB'], 'zh'],
    ['en', ['zh-CN'], 'en'],
    ['system', ['zh-Hans-CN', 'en'], 'zh'],
    ['system', ['de-DE', 'zh-CN'], 'en'],
    ['system', [], 'en'],
  ] as const)('for the setting %s on a system that prefers %j is in %s', (setting, preferred, language) => {
    expect(menuLanguage(setting, preferred)).toBe(language)
  })
})
