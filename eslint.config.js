import antfu from '@antfu/eslint-config'

export default antfu(
  {
    typescript: { parserOptions: { projectService: false, project: ['./tsconfig.json', './renderer/tsconfig.json'], extraFileExtensions: ['.vue'] }, tsconfigPath: 'tsconfig.json' },
    vue: true,
    markdown: false,
    ignores: ['package-lock.json', 'resources/agent', 'renderer/components.d.ts', 'dist', '**/*.md'],
  },
  {
    rules: {
      // Everything outside renderer/ runs in Node.
      'node/prefer-global/buffer': 'off',
      'node/prefer-global/process': 'off',
      // Where a line breaks is the writer's choice: a table reads best as a table.
      'antfu/consistent-list-newline': 'off',
      'antfu/if-newline': 'off',
      'antfu/reasonable-newline': 'off',
    },
  },
  {
    files: ['renderer/**/*.vue'],
    rules: {
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/component-name-in-template-casing': ['error', 'PascalCase', { registeredComponentsOnly: false }],
    },
  },
  {
    // Programs, run and never imported.
    files: ['electron/start.ts', 'test/e2e/shots.ts', '.tools/**'],
    rules: { 'antfu/no-top-level-await': 'off' },
  },
  {
    // These print what they measured.
    files: ['test/xen/**', 'test/agent/**', 'test/e2e/**'],
    rules: { 'no-console': 'off' },
  },
)
