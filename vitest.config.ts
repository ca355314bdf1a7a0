import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`packages/${path}`, import.meta.url))
/** Tests beside the source run on the source, also across packages. */
const alias = [
  { find: /^@strongroom\/crypto$/, replacement: source('crypto/src/index.ts') },
  { find: /^@strongroom\/crypto\/(node|web)$/, replacement: source('crypto/src/$1/index.ts') },
]

/** Started servers are several processes each: two test files at a time, once the others have ended. */
const TWO_AFTER_THE_REST = { maxWorkers: 2, sequence: { groupOrder: 1 } } as const

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'fast',
          include: ['packages/*/src/**/*.test.ts', 'fuzz/*.test.ts'],
          exclude: ['**/*.slow.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        // Beside the source as well, and not before every commit.
        resolve: { alias },
        test: { name: 'slow', include: ['packages/*/src/**/*.slow.test.ts'], testTimeout: 60_000 },
      },
      {
        // Against a started server: the built program, one process tree a test file.
        test: {
          name: 'server',
          include: ['test/server/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          ...TWO_AFTER_THE_REST,
        },
      },
      {
        // Real clients from the system's packages; each says aloud when its program is absent.
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          ...TWO_AFTER_THE_REST,
        },
      },
    ],
  },
})
