/**
 * Brings a clone into a state where it can run: node modules, system packages, the agent's executable, the built pages.
 * Plain JavaScript without a dependency, because it runs before there is one, on the system's own Node.
 * A second run only looks and takes a fraction of a second. Everything is said on stderr.
 *
 *   node .tools/setup.mjs          what the console and the boxed lab need
 *   node .tools/setup.mjs --test   and what only the tests need
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

const root = path.join(import.meta.dirname, '..')
const modules = path.join(root, 'node_modules')

const agentPackages = ['gcc', 'libc6-dev', 'make', 'libsodium-dev', 'libzstd-dev', 'liblz4-dev']
const labPackages = [
  'qemu-system-x86', 'qemu-utils', 'seabios', 'mmdebstrap', 'e2fsprogs', 'kmod', 'eatmydata', 'busybox-static', 'cpio',
  'zstd', 'xz-utils', 'openssh-client',
]
const testPackages = [
  'clang', 'libclang-rt-dev', 'openssh-server', 'sudo', 'util-linux', 'xfsprogs', 'chromium', 'fonts-noto-cjk',
]

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

/** Runs a command with its output on stderr; true if it succeeded. */
function run(command, args, env = process.env) {
  return spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] }).status === 0
}

/** npm replaces node_modules/.bin/node while it runs, so it must not itself run on that one. */
function environmentForNpm() {
  const outside = (process.env.PATH ?? '').split(path.delimiter).filter(folder => !folder.startsWith(modules))
  return { ...process.env, PATH: outside.join(path.delimiter) }
}

/** `npm ci`, when the lock is not the one that node_modules was last made from. */
function installModules() {
  const lockHash = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex')
  const stamp = path.join(modules, '.me2-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash)
    return
  say('Installing the node modules …')
  if (!run('npm', ['ci', '--loglevel=error'], environmentForNpm()))
    fail('npm ci failed: see above. Is the npm registry reachable?')
  checkNode()
  writeFileSync(stamp, lockHash)
}

/** The `node` package fetches its executable in an install script, which an npm setting can forbid. */
function checkNode() {
  const { stdout } = spawnSync(path.join(modules, '.bin', 'node'), ['--version'], { encoding: 'utf8' })
  if (!stdout?.startsWith('v24.'))
    fail('Node 24 did not arrive with the node modules. Allow install scripts (npm config get ignore-scripts) and try again.')
}

function missingPackages(names) {
  // eslint-disable-next-line no-template-curly-in-string -- dpkg-query fills it in
  const format = '${Package} ${db:Status-Status}\n'
  const query = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' })
  const installed = new Set((query.stdout ?? '').split('\n').filter(line => line.endsWith(' installed')).map(line => line.split(' ')[0]))
  return names.filter(name => !installed.has(name))
}

function hasCommand(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** apt-get as root; otherwise says what to type and stops. An unrelated repository's failure stops nothing. */
function installPackages(names) {
  if (!hasCommand('dpkg-query')) {
    say(`This is no Debian or Ubuntu, so nothing was checked. Needed here: ${names.join(' ')}`)
    return
  }
  const missing = missingPackages(names)
  if (missing.length === 0)
    return
  if (process.getuid() !== 0)
    fail(`These packages are missing. Type this, then try again:\n  sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`)
  say(`Installing ${missing.join(' ')} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], env)
  if (install())
    return
  say('Reading the package lists anew …')
  run('apt-get', ['update', '-qq'], env)
  if (!install())
    fail(`apt-get could not install: ${missing.join(' ')}`)
}

function buildAgent() {
  if (!run('make', ['-s', '-C', path.join('resources', 'agent')]))
    fail('The agent could not be built: see above.')
}

/** Everything that the built pages come from. */
function rendererInputs() {
  const files = ['renderer', 'shared'].flatMap(folder => readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'components.d.ts')
    .map(entry => path.join(entry.parentPath, entry.name)))
  return [...files.sort(), ...['vite.config.ts', 'package-lock.json'].map(name => path.join(root, name))]
}

/** Builds the pages when what they come from is not what they were last built from. */
function buildRenderer() {
  const hash = createHash('sha256')
  for (const file of rendererInputs())
    hash.update(`${path.relative(root, file)}\0`).update(readFileSync(file))
  const wanted = hash.digest('hex')
  const stamp = path.join(root, 'dist', 'renderer.stamp')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted)
    return
  say('Building the console …')
  build('vite.config.ts')
  writeFileSync(stamp, wanted)
}

function build(config) {
  const vite = path.join(modules, 'vite', 'bin', 'vite.js')
  if (!run(path.join(modules, '.bin', 'node'), [vite, 'build', '--config', config, '--logLevel', 'warn']))
    fail('The console could not be built: see above.')
}

/** Only where Electron's executable is: the package leaves its name in path.txt. */
function buildShell() {
  if (existsSync(path.join(modules, 'electron', 'path.txt')))
    build('shell.vite.config.ts')
}

installModules()
installPackages([...agentPackages, ...labPackages, ...(process.argv.includes('--test') ? testPackages : [])])
buildAgent()
buildRenderer()
buildShell()
