/** Builds the renderer to dist/renderer. Node runs everything else as it is; the Electron shell has a build of its own. */
import { join } from 'node:path'
import ui from '@nuxt/ui/vite'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const root = import.meta.dirname

export default defineConfig({
  root: join(root, 'renderer'),
  base: './',
  cacheDir: join(root, 'node_modules', '.vite'),
  build: {
    outDir: join(root, 'dist', 'renderer'),
    emptyOutDir: true,
    target: 'es2024',
    // An inlined font or icon would need data: in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  plugins: [
    vue(),
    tailwindcss(),
    ui({
      autoImport: false,
      components: { dts: 'components.d.ts' },
      colorMode: false,
      icon: { clientBundle: { scan: { globInclude: ['**/*.vue', '**/*.ts'] } } },
      theme: { defaultVariants: { size: 'sm' } },
      ui: {
        colors: { primary: 'ink', neutral: 'zinc', success: 'teal', warning: 'amber', error: 'rose', info: 'sky' },
        button: { slots: { base: 'font-medium' } },
        table: { slots: { th: 'px-2.5 py-1 text-xs', td: 'px-2.5 py-1 text-[13px]/[18px]' } },
      },
    }),
  ],
})
