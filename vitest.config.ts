import { defineConfig } from 'vitest/config'

// Groups of tests; `npm test` runs them one after another (infra/local/test-main.mjs).
const shared = { exclude: ['node_modules/**', 'api/dashboard/dist/**', 'bench/peers/**', '.isobar*/**'] }

export default defineConfig({
  test: {
    // Two cores are the smallest machine this is meant for, and integration tests share it with Kafka and the registry.
    maxWorkers: 2,
    projects: [
      // A limit against hanging, not a measure of speed: a loaded machine must not fail a test.
      { test: { ...shared, name: 'unit', include: ['**/*.unit.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 } },
      {
        test: {
          ...shared,
          name: 'int',
          include: ['**/*.int.test.ts'],
          globalSetup: ['tests/support/stack.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'chaos',
          include: ['tests/chaos/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
