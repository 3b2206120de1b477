/** The application menu in the language of the screens. What concerns a screen is sent to the page as a command. */
import type { MenuItemConstructorOptions } from 'electron'
import type { MenuCommand } from '../../shared/contract/shellMessages.ts'

export type MenuLanguage = 'en' | 'zh'

const english = {
  file: 'File',
  import: 'Import run…',
  settings: 'Settings',
  quit: 'Quit',
  edit: 'Edit',
  undo: 'Undo',
  redo: 'Redo',
  cut: 'Cut',
  copy: 'Copy',
  paste: 'Paste',
  selectAll: 'Select all',
  view: 'View',
  home: 'Home',
  hosts: 'Hosts',
  memory: 'Memory',
  race: 'Race',
  runs: 'Runs',
  palette: 'Command palette',
  present: 'Presenter mode',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  resetZoom: 'Actual size',
  fullScreen: 'Full screen',
  reload: 'Reload',
  help: 'Help',
  keys: 'Keyboard shortcuts',
  about: 'About ME2 Lab Console',
}

const chinese: typeof english = {
  file: '文件',
  import: '导入记录…',
  settings: '设置',
  quit: '退出',
  edit: '编辑',
  undo: '撤销',
  redo: '重做',
  cut: '剪切',
  copy: '复制',
  paste: '粘贴',
  selectAll: '全选',
  view: '视图',
  home: '首页',
  hosts: '主机',
  memory: '内存',
  race: '对比',
  runs: '记录',
  palette: '命令面板',
  present: '演示模式',
  zoomIn: '放大',
  zoomOut: '缩小',
  resetZoom: '实际大小',
  fullScreen: '全屏',
  reload: '重新加载',
  help: '帮助',
  keys: '快捷键',
  about: '关于 ME2 实验控制台',
}

const separator: MenuItemConstructorOptions = { type: 'separator' }

/** Of what a user prefers, best first; as the renderer chooses where the setting is `system`. */
export function menuLanguage(setting: MenuLanguage | 'system', preferred: readonly string[]): MenuLanguage {
  if (setting !== 'system')
    return setting
  return preferred[0]?.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/** `send` hands a command to the page. */
export function menuTemplate(language: MenuLanguage, platform: NodeJS.Platform, send: (command: MenuCommand) => void): MenuItemConstructorOptions[] {
  const words = language === 'zh' ? chinese : english
  const role = (name: NonNullable<MenuItemConstructorOptions['role']>, label: string): MenuItemConstructorOptions => ({ role: name, label })
  const command = (name: MenuCommand, accelerator?: string): MenuItemConstructorOptions => ({ id: name, label: words[name], click: () => send(name), ...(accelerator !== undefined && { accelerator }) })
  return [
    // macOS gives the first menu the app's name, whatever is in it.
    ...(platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { label: words.file, submenu: [command('import', 'CmdOrCtrl+O'), separator, command('settings', 'CmdOrCtrl+,'), separator, role('quit', words.quit)] },
    {
      label: words.edit,
      submenu: [
        role('undo', words.undo), role('redo', words.redo), separator,
        role('cut', words.cut), role('copy', words.copy), role('paste', words.paste), role('selectAll', words.selectAll),
      ],
    },
    {
      label: words.view,
      submenu: [
        command('home'), command('hosts'), command('memory'), command('race'), command('runs'), separator,
        // Their keys are the page's, as in a browser: an accelerator too would do it twice.
        command('palette'), command('present'), separator,
        role('zoomIn', words.zoomIn), role('zoomOut', words.zoomOut), role('resetZoom', words.resetZoom), role('togglefullscreen', words.fullScreen), separator,
        role('reload', words.reload),
      ],
    },
    { label: words.help, role: 'help', submenu: [command('keys'), separator, role('about', words.about)] },
  ]
}
