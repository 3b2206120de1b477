/**
 * The installable app. Its process and preload are bundled (shell.vite.config.ts), so no node module travels; what is
 * run as a program or read by one lies beside the archive, as extra resources.
 */
import type { Configuration } from 'electron-builder'

/** Every fuse there is: the type has no optional one, so a new one has to be decided here. */
const electronFuses: Required<NonNullable<Configuration['electronFuses']>> = {
  // Not a Node for whoever can set an environment variable or pass an argument.
  runAsNode: false,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  // Its code is the archive that was built, unchanged (checked by Electron on Windows and macOS).
  onlyLoadAppFromAsar: true,
  enableEmbeddedAsarIntegrityValidation: true,
  // Pages come from app:, never from file:.
  grantFileProtocolExtraPrivileges: false,
  enableCookieEncryption: true,
  // There is no snapshot of our own.
  loadBrowserProcessSpecificV8Snapshot: false,
  // The app is signed after the fuses are set.
  resetAdHocDarwinSignature: false,
}

/** What builds and runs the boxed lab; without it the console still reaches other hosts and replays recordings. */
const labPackages = [
  'qemu-system-x86', 'qemu-utils', 'seabios', 'mmdebstrap', 'e2fsprogs', 'kmod', 'eatmydata', 'busybox-static', 'cpio', 'zstd', 'xz-utils',
  'openssh-client', 'gcc', 'libc6-dev', 'make', 'debian-archive-keyring',
]

const summary = 'Races stock Xen live migration against ME2, and shows a guest\'s memory as a map'

const config: Configuration = {
  appId: 'edu.me2.lab-console',
  productName: 'ME2 Lab Console',
  copyright: 'The ME2 Lab Console authors, MIT license',
  directories: { output: 'dist/packages', buildResources: 'resources/icons' },
  asar: true,
  files: ['dist/shell/**', 'dist/renderer/**', 'package.json', 'resources/icons/256x256.png', '!node_modules/**'],
  // app.isPackaged: process.resourcesPath takes the place of resources/ (electron/shell/main.ts).
  extraResources: [
    { from: 'resources/agent/build/agent', to: 'agent/build/agent' },
    { from: 'resources/lab', to: 'lab' },
    { from: 'resources/lessons', to: 'lessons' },
    { from: 'resources/recordings', to: 'recordings' },
  ],
  electronFuses,
  npmRebuild: false,
  publish: null,
  linux: {
    target: ['deb', 'AppImage'],
    executableName: 'me2-lab-console',
    icon: 'resources/icons',
    category: 'Education',
    synopsis: summary,
    description: `${summary}. For a classroom: real Xen hosts over SSH, or two of them in QEMU on this machine.`,
    maintainer: 'The ME2 Lab Console authors',
  },
  deb: { packageCategory: 'education', recommends: labPackages },
  win: { target: ['nsis'], icon: 'resources/icons/256x256.png' },
  nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true },
  mac: { target: ['dmg'], icon: 'resources/icons/1024x1024.png', category: 'public.app-category.education' },
}

export default config
