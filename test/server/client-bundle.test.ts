/** What users of @strongroom/client build of it: how large it is in a page, and that its types are whole. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { root } from '../support/server.ts'
import { bundled } from '../support/site.ts'

const MOST_GZIPPED_BYTES = 40 * 1024

describe.each([
  ['without passphrases', ['@strongroom/client']],
  ['with passphrases', ['@strongroom/client', '@strongroom/client/passphrase']],
])('in a page, %s', (name, input) => {
  const scripts = bundled({
    root,
    publicDir: false,
    build: {
      minify: true,
      rolldownOptions: { input, external: /^@aws-sdk\//, preserveEntrySignatures: 'strict' },
    },
  })

  test('it needs the SDK alone, and nothing of Node.js', async () => {
    const imported = new Set<string>()
    for (const script of (await scripts).values()) {
      const text = String(script)
      for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*["'`]([^"'`]+)/g)) imported.add(specifier!)
      expect(text).not.toMatch(/["'`]node:/)
      // A property of that name is looked for where there is one, as by hash-wasm.
      expect(text).not.toMatch(/(?<![.\w$])(?:Buffer|process|require)\b(?!["'`])/)
    }
    expect([...imported].filter((specifier) => !specifier.startsWith('./')).sort()).toEqual([
      '@aws-sdk/client-s3',
      '@aws-sdk/lib-storage',
    ])
  })

  test('it is small', async () => {
    const sizes = [...(await scripts).values()].map((script) => gzipSync(script).length)
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    console.log(`@strongroom/client ${name}: ${(bytes / 1024).toFixed(1)} KiB, minified and gzipped, without the SDK`)
    expect(bytes).toBeGreaterThan(5 * 1024)
    expect(bytes).toBeLessThan(MOST_GZIPPED_BYTES)
  })
})

describe('its types, with those of its dependencies checked too', () => {
  const problems = (project: string) =>
    new Promise<string[]>((resolve, reject) => {
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const args = [tsc, '--pretty', 'false', '-p', `test/fixtures/consumer/tsconfig.${project}.json`]
      execFile(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 }, (error, stdout) => {
        const found = stdout.split('\n').filter((line) => /error TS/.test(line))
        if (error && found.length === 0) reject(error)
        else resolve(found)
      })
    })

  test('serve a program on Node.js', async () => {
    expect(await problems('node')).toEqual([])
  })

  test('serve a page, without the types of Node.js', async () => {
    const found = await problems('browser')
    // The SDK's own declarations name some of Node.js.
    expect(found.filter((line) => !/^node_modules\/@(aws-sdk|smithy)\//.test(line))).toEqual([])
  })
})
