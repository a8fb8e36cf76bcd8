import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')

interface Source { name: string, text: string, lines: string[] }

function sources (...folders: string[]): Source[] {
  return folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => `${folder}/${String(name).replaceAll('\\', '/')}`))
    .filter((name) => /\.(?:ts|mjs|cjs|js)$/.test(name) && !name.includes('node_modules') && statSync(join(root, name)).isFile())
    .sort()
    .map((name) => {
      const text = readFileSync(join(root, name), 'utf8')
      return { name, text, lines: text.split('\n') }
    })
}

const code = sources('lib', 'types')
const all = [...code, ...sources('test', 'scripts', 'examples', 'benchmarks')]

/** Files of the dashboard's page go to browsers as they are. */
function isCompiled ({ name }: Source): boolean {
  return !name.startsWith('lib/dashboard/assets/')
}

function nodes (source: ts.Node): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function parse ({ name, text }: Source): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.ES2023)
}

// Letters that look like others, and characters that change the direction of text, hide code from its reader.
test('all sources are ASCII', (t: TestContext) => {
  for (const { name, lines } of all) {
    lines.forEach((line, i) => t.assert.doesNotMatch(line, /[^\t\x20-\x7e]/, `${name}:${i + 1}`))
  }
})

test('no file of lib is longer than 300 lines', (t: TestContext) => {
  for (const { name, lines } of code.filter(({ name }) => name.startsWith('lib/'))) {
    t.assert.ok(lines.length <= 300, `${name} has ${lines.length} lines`)
  }
})

test('no type is any, and no error of the compiler is silenced', (t: TestContext) => {
  for (const source of code.filter(({ name }) => !name.endsWith('.tst.ts'))) {
    t.assert.ok(!nodes(parse(source)).some(({ kind }) => kind === ts.SyntaxKind.AnyKeyword), source.name)
    t.assert.doesNotMatch(source.text, /@ts-(?:ignore|expect-error|nocheck)/, source.name)
  }
})

test('coverage is honest: no comment takes lines out of it', (t: TestContext) => {
  for (const { name, text } of code) t.assert.doesNotMatch(text, /\b(?:v8|c8|istanbul) ignore\b|node:coverage/, name)
})

test('nothing swallows an error without a word', (t: TestContext) => {
  for (const source of code) {
    for (const block of nodes(parse(source)).filter((node) => ts.isBlock(node))) {
      const last = block.statements.at(-1)
      // One that is followed by another way to the same end is fine.
      t.assert.ok(last === undefined || !ts.isTryStatement(last) || last.catchClause?.block.statements.length !== 0, source.name)
    }
  }
})

test('no dependency is imported as a namespace that has only a default under ESM', (t: TestContext) => {
  for (const { name, text } of code) t.assert.doesNotMatch(text, /import \* as \w+ from '(?!\.|node:)/, name)
})

test('relative imports name the file with .ts, others what package.json has', (t: TestContext) => {
  const { dependencies, peerDependencies } = manifest()
  const known = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
  for (const { name, text } of code.filter((source) => isCompiled(source) && !source.name.endsWith('.tst.ts'))) {
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export) [^'\n]*?from '([^']+)'|^import '([^']+)'/gm)) {
      if (specifier.startsWith('.')) t.assert.match(specifier, /\.ts$/, `${name}: ${specifier}`)
      else if (!specifier.startsWith('node:')) t.assert.ok(known.some((dependency) => specifier === dependency || specifier.startsWith(`${dependency}/`)), `${name} imports ${specifier}`)
    }
  }
})

test('every dependency is used', (t: TestContext) => {
  for (const name of Object.keys(manifest().dependencies)) {
    t.assert.ok(code.some(({ text }) => text.includes(`'${name}'`)), name)
  }
})

test('files are named in kebab case', (t: TestContext) => {
  for (const { name } of code.filter(isCompiled)) t.assert.match(name.split('/').at(-1)!, /^[a-z0-9]+(-[a-z0-9]+)*(\.tst)?\.ts$/, name)
})

test('package.json: an allow list of files, ESM only, no script at installation, Node from 20.19', (t: TestContext) => {
  const { type, files, exports, engines, scripts, license } = manifest()
  t.assert.strictEqual(type, 'module')
  t.assert.strictEqual(license, 'MIT')
  t.assert.deepStrictEqual(files, ['dist', 'schema.json', 'CHANGELOG.md'])
  t.assert.deepStrictEqual(Object.keys(exports), ['.', './schema.json', './testing', './package.json'])
  t.assert.strictEqual(engines['node'], '>=20.19')
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) t.assert.ok(!(hook in scripts), hook)
})

interface Manifest {
  type: string
  license: string
  files: string[]
  exports: Record<string, unknown>
  engines: Record<string, string>
  scripts: Record<string, string>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

function manifest (): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}
