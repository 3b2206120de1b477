/** Arrows run one way: renderer -> shared <- electron. */
module.exports = {
  forbidden: [
    {
      name: 'shared-stands-alone',
      comment: 'shared/ is what both sides agree on: it imports itself, zod, and the contract library.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { pathNot: ['^shared/', '^node_modules/zod/', '^node_modules/@orpc/contract/'] },
    },
    {
      name: 'renderer-knows-only-shared',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^electron/' },
    },
    {
      name: 'electron-does-not-know-the-renderer',
      severity: 'error',
      from: { path: '^electron/' },
      to: { path: '^renderer/' },
    },
    {
      name: 'services-run-in-plain-node',
      comment: 'A service is tested without Electron, so neither Electron nor the shell may be imported.',
      severity: 'error',
      from: { path: '^electron/services/' },
      to: { path: ['^electron/shell/', '^node_modules/electron/', '^electron$'] },
    },
    {
      name: 'only-the-shell-knows-electron',
      comment: 'The package tries to download Electron when it is required; its types are for everybody.',
      severity: 'error',
      from: { pathNot: ['^electron/shell/', '^electron-builder'] },
      to: { path: ['^node_modules/electron/', '^electron$'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'product-does-not-know-its-tests',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
