import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const minutes = 60_000

/**
 * unit, contract, renderer: milliseconds each. ssh: a real sshd on loopback. agent: kernels in plain QEMU. e2e: the built
 * console in Chromium, on recordings. electron: where its binary is. xen: the boxed lab, from the command line and on the screen.
 */
export default defineConfig({
  test: {
    reporters: ['verbose'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts'] } },
      { plugins: [vue()], test: { name: 'renderer', include: ['test/renderer/**/*.test.ts'], environment: 'happy-dom' } },
      { test: { name: 'ssh', include: ['test/ssh/**/*.test.ts'], testTimeout: minutes, hookTimeout: minutes } },
      {
        test: {
          name: 'agent',
          include: ['test/agent/**/*.test.ts'],
          testTimeout: 10 * minutes,
          hookTimeout: 10 * minutes,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 2 * minutes,
          hookTimeout: 2 * minutes,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
      { test: { name: 'electron', include: ['test/electron/**/*.test.ts'], testTimeout: 2 * minutes, hookTimeout: 2 * minutes } },
      {
        test: {
          name: 'xen',
          include: ['test/xen/**/*.test.ts'],
          globalSetup: ['test/xen/support/teardown.ts'],
          // Only for guests that QEMU's emulated SVM crashed, told by its signature (boxedLab.ts): a fault of ours is never retried.
          retry: { count: 2, condition: /crashed by the emulator/ },
          testTimeout: 30 * minutes,
          hookTimeout: 15 * minutes,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
})
