import antfu from '@antfu/eslint-config'

export default antfu(
  {
    typescript: { tsconfigPath: 'tsconfig.json' },
    markdown: false,
    ignores: ['package-lock.json', 'resources/agent', '**/*.md'],
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
    // These print what they measured.
    files: ['test/xen/**', 'test/agent/**'],
    rules: { 'no-console': 'off' },
  },
)
