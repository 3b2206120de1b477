/** Builds the Electron shell to dist/shell: the app's process as a module, the sandbox's preload as the script it must be. */
import type { ViteBuilder } from 'vite'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { defineConfig } from 'vite'

const root = import.meta.dirname
const outDir = join(root, 'dist', 'shell')
/** ssh2 does without its compiled parts where they are not there. */
const compiledParts = [/cpu-features/, /sshcrypto\.node$/]
const external = ['electron', /^node:/, ...builtinModules, ...compiledParts]

function environment(input: string, format: 'es' | 'cjs', fileName: string) {
  return {
    consumer: 'server' as const,
    resolve: { noExternal: true as const, conditions: ['node', 'import', 'default'] },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: { input: join(root, 'electron', 'shell', input), external, output: { format, entryFileNames: fileName, codeSplitting: false } },
    },
  }
}

const outputs = {
  main: environment('main.ts', 'es', 'main.js'),
  preload: environment('preload.ts', 'cjs', 'preload.cjs'),
}

export default defineConfig({
  root,
  publicDir: false,
  // A module has none; ssh2's WebAssembly, which was made as a script, asks for it.
  define: { __dirname: 'import.meta.dirname' },
  environments: outputs,
  builder: {
    buildApp: async (builder: ViteBuilder) => {
      for (const [name, environment] of Object.entries(builder.environments)) {
        if (name in outputs)
          await builder.build(environment)
      }
    },
  },
})
