import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { ensureBuilt } from './built.ts'

const root = join(import.meta.dirname, '..')
const bin = (file: string): string => join(root, 'node_modules', file)
let folder = ''
let tarball = ''
let files: string[] = []

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'guard-package-'))
  ensureBuilt()
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--loglevel', 'error', '--pack-destination', folder], { cwd: root, encoding: 'utf8' })) as [{ filename: string, files: Array<{ path: string }> }]
  tarball = join(folder, packed.filename)
  files = packed.files.map(({ path }) => path).sort()
})

after(() => { rmSync(folder, { recursive: true, force: true }) })

test('the package holds what was compiled from lib and types, four documents and the schema', (t: TestContext) => {
  const others = files.filter((name) => !name.startsWith('dist/'))
  t.assert.deepStrictEqual(others, ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'schema.json'])
  const sources = ['lib', 'types'].flatMap((name) => readdirSync(join(root, name), { recursive: true }).map((file) => `${name}/${String(file)}`))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.tst.ts'))
  // The dashboard's page goes to browsers as it is.
  const page = readdirSync(join(root, 'lib/dashboard/assets')).map((name) => `dist/lib/dashboard/assets/${name}`)
  const expected = [...page, ...sources.flatMap((name) => [`dist/${name.replace(/\.ts$/, '.js')}`, `dist/${name.replace(/\.ts$/, '.d.ts')}`])].sort()
  t.assert.deepStrictEqual(files.filter((name) => name.startsWith('dist/')), expected)
})

test('the package has no dependency on what is not installed with it', (t: TestContext) => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
  const known = [...Object.keys(dependencies!), ...Object.keys(peerDependencies!)]
  for (const name of files.filter((name) => name.endsWith('.js'))) {
    for (const [, specifier = ''] of readFileSync(join(root, name), 'utf8').matchAll(/^import [^'\n]*?'([^'.][^']*)'/gm)) {
      t.assert.ok(specifier.startsWith('node:') || known.some((dependency) => specifier === dependency || specifier.startsWith(`${dependency}/`)), `${name} imports ${specifier}`)
    }
  }
})

test('publint finds nothing', (t: TestContext) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin('publint/src/cli.js'), '--strict', tarball], { encoding: 'utf8' })
  t.assert.strictEqual(status, 0, stdout + stderr)
})

test('attw finds nothing for ESM and for require() of ESM', (t: TestContext) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin('@arethetypeswrong/cli/dist/index.js'), '--profile', 'esm-only', '--no-color', tarball], { encoding: 'utf8' })
  t.assert.strictEqual(status, 0, stdout + stderr)
})

for (const name of ['esm-js', 'cjs-js', 'ts-nodenext', 'ts-commonjs']) {
  test(`works where it is installed: ${name}`, (t: TestContext) => {
    const at = join(folder, name)
    cpSync(join(root, 'test/consumers', name), at, { recursive: true })
    install(join(at, 'node_modules'))
    if (name.startsWith('ts-')) {
      const { status, stdout } = spawnSync(process.execPath, [bin('typescript/bin/tsc'), '-p', at], { cwd: at, encoding: 'utf8' })
      t.assert.strictEqual(status, 0, stdout)
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['index.js'], { cwd: at, encoding: 'utf8', timeout: 30_000 })
    t.assert.strictEqual(status, 0, stdout + stderr)
    // An ESM module that is required warns on Node 20 and 22 only when it is experimental.
    t.assert.strictEqual(stderr, '')
    const { others, ...answers } = JSON.parse(stdout) as Record<string, unknown>
    t.assert.deepStrictEqual(answers, { served: 200, denied: 403, mapped: 403, attack: 400, malformed: 400, detect: true, same: true, passed: 2 })
    t.assert.deepStrictEqual(others, ['function', 'function', name.startsWith('ts-') ? 'function' : 'https://json-schema.org/draft/2020-12/schema'])
  })
}

test('the command works where it is installed', (t: TestContext) => {
  const at = join(folder, 'command')
  mkdirSync(at)
  install(join(at, 'node_modules'))
  writeFileSync(join(at, 'app.cjs'), "module.exports = async () => { const app = require('fastify')(); await app.register(require('fastify-api-guard'), { decorator: 'shield' }); app.get('/a', async () => 'ok'); console.log('noise'); return app }")
  const packed = join(at, 'node_modules/fastify-api-guard')
  const { bin: bins } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packed, bins['fastify-api-guard']!), 'routes', '--app', 'app.cjs', '--json', '--strict'], { cwd: at, encoding: 'utf8', timeout: 30_000 })
  t.assert.strictEqual(status, 0, stderr)
  t.assert.deepStrictEqual((JSON.parse(stdout) as Array<{ url: string }>).map(({ url }) => url), ['/a', '(none)'])
  t.assert.match(stderr, /noise/)
})

/** As npm would, without a registry: the tarball's files, and links to what is installed here. */
function install (modules: string): void {
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
  }
  const target = join(modules, 'fastify-api-guard')
  mkdirSync(target)
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components', '1'])
}
