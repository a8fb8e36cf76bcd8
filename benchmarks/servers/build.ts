import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type TypeScript from 'typescript'

const ROOT = join(import.meta.dirname, '../..')

/**
 * Writes plugin and servers as JavaScript, as `npm run build` does but without checking types, and answers where.
 * Run from source they would have tsx's loader and its source maps in the process that is measured. Removed at exit.
 */
export function build (): string {
  const cache = join(ROOT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const out = mkdtempSync(join(cache, 'guard-bench-'))
  process.on('exit', () => { rmSync(out, { recursive: true, force: true }) })
  const ts = createRequire(import.meta.url)('typescript') as typeof TypeScript
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as { config: { compilerOptions: object } }
  // Of a single file `nodenext` would make CommonJS: it is package.json that says which.
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, module: 'esnext', moduleResolution: 'bundler' }, ROOT)
  for (const file of sources()) {
    const path = join(out, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, ts.transpileModule(readFileSync(join(ROOT, file), 'utf8'), { compilerOptions: options, fileName: file }).outputText)
  }
  cpSync(join(ROOT, 'lib/dashboard/assets'), join(out, 'lib/dashboard/assets'), { recursive: true })
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
  return out
}

function sources (): string[] {
  return ['lib', 'types', 'benchmarks', 'test/geo'].flatMap((folder) => {
    return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
  })
}
