import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import ts from 'typescript'
import { ensureBuilt } from './built.ts'

const root = join(import.meta.dirname, '..')
const cache = join(root, '.cache')

/** A fenced block of a document. */
interface Block {
  /** `docs/options.md:12` */
  name: string
  /** Name of its files, without extension. */
  file: string
  code: string
  runs: boolean
  typed: boolean
  /** What its `// prints ...` comments say, in order. */
  prints: string[]
}

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${String(name).replaceAll('\\', '/')}`).filter((name) => name.endsWith('.md')).sort()]
const texts = new Map(pages.map((name) => [name, readFileSync(join(root, name), 'utf8')]))
const blocks = [...texts].flatMap(([name, text]) => blocksOf(name, text))

function blocksOf (page: string, text: string): Block[] {
  const found: Block[] = []
  let open: { line: number, info: string, code: string[] } | undefined
  text.split('\n').forEach((line, i) => {
    if (open === undefined) {
      const info = /^ {0,3}```+(\S.*)?$/.exec(line)
      if (info !== null) open = { line: i + 1, info: info[1] ?? '', code: [] }
    } else if (/^ {0,3}```+\s*$/.test(line)) {
      if (/^(?:ts|js)\b/.test(open.info)) found.push(blockOf(page, open.line, open.info, open.code.join('\n')))
      open = undefined
    } else {
      open.code.push(line)
    }
  })
  if (open !== undefined) throw new Error(`${page}:${open.line} is not closed`)
  return found
}

function blockOf (page: string, line: number, info: string, code: string): Block {
  return {
    name: `${page}:${line}`,
    file: `${page.replace(/\.md$/, '').replaceAll('/', '-')}-${line}`,
    code: complete(code),
    runs: !/\bno-run\b/.test(info),
    typed: info.startsWith('ts'),
    prints: [...code.matchAll(/(?:\bconsole\.log\(.*|^\s*)\/\/ prints (.+)$/gm)].map(([, text = '']) => text.trim())
  }
}

/** A block without imports is a part of a program: it stands where `app` and the package's exports are there. */
function complete (code: string): string {
  if (/^\s*import\b|\brequire\(/m.test(code)) return code
  const lines = ["import Fastify from 'fastify'", "import guardPlugin, { detect, guard, guardServerOptions, type GuardEvent, type GuardOptions, type GuardRules } from 'fastify-api-guard'", 'void [guardPlugin, detect, guard, guardServerOptions]']
  if (!/\bconst app\b/.test(code)) lines.push('const app = Fastify(guardServerOptions())')
  if (!/\bhandler\s*[=(]/.test(code)) lines.push("const handler = async (): Promise<string> => 'ok'", 'void handler')
  if (!/register\(guardPlugin/.test(code)) lines.push('await app.register(guardPlugin)')
  return `${lines.join('; ')}\n${code}\nawait app.ready(); await app.close(); export type { GuardEvent, GuardOptions, GuardRules }\n`
}

/** Servers listen on a free port of this machine and end soon; a program that neither ends nor listens is a mistake. */
const PRELOAD = `
import { Server } from 'node:net'
const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  const callback = args.find((arg) => typeof arg === 'function')
  setTimeout(() => process.exit(process.exitCode ?? 0), 500)
  return listen.call(this, { host: '127.0.0.1', port: 0 }, callback)
}
`

let folder = ''
before(() => {
  ensureBuilt()
  mkdirSync(cache, { recursive: true })
  // Inside the package, so that its name leads to its own exports.
  folder = mkdtempSync(join(cache, 'docs-'))
  writeFileSync(join(folder, 'preload.mjs'), PRELOAD)
  for (const { file, code, typed } of blocks) {
    if (typed) writeFileSync(join(folder, `${file}.ts`), code)
    const { outputText } = ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: false } })
    writeFileSync(join(folder, `${file}.${/\brequire\(/.test(code) ? 'cjs' : 'mjs'}`), outputText)
  }
})
after(() => { rmSync(folder, { recursive: true, force: true }) })

interface Ran { code: number | null, output: string, stdout: string }

async function run (block: Block): Promise<Ran> {
  const file = join(folder, `${block.file}.${/\brequire\(/.test(block.code) ? 'cjs' : 'mjs'}`)
  const child = spawn(process.execPath, ['--import', join(folder, 'preload.mjs'), file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000, killSignal: 'SIGKILL' })
  let stdout = ''
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); output += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
  return new Promise((resolve) => { child.on('close', (code) => resolve({ code, output, stdout })) })
}

describe('code of the documents runs', { concurrency: Math.min(4, availableParallelism()) }, () => {
  for (const block of blocks.filter(({ runs }) => runs)) {
    test(block.name, async (t: TestContext) => {
      const { code, output, stdout } = await run(block)
      t.assert.strictEqual(code, 0, `${block.name} ended with ${code}:\n${output.slice(-3000)}`)
      const lines = stdout.split('\n').map((line) => line.trim())
      let at = 0
      for (const expected of block.prints) {
        const found = lines.indexOf(expected, at)
        t.assert.ok(found >= 0, `${block.name} does not print ${expected}, but:\n${stdout}`)
        at = found + 1
      }
    })
  }
})

test('code of the documents has no type error', (t: TestContext) => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: { compilerOptions: object } }
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const { rootDir, outDir, declaration, rewriteRelativeImportExtensions, erasableSyntaxOnly, noImplicitReturns, ...rest } = options
  const program = ts.createProgram(blocks.filter(({ typed }) => typed).map(({ file }) => join(folder, `${file}.ts`)), { ...rest, noEmit: true })
  const names = new Map(blocks.map(({ file, name }) => [`${file}.ts`, name]))
  const found = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined || start === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    return `${names.get(file?.fileName.split('/').at(-1) ?? '') ?? file?.fileName}, line ${line} of it: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
  t.assert.strictEqual(found.join('\n'), '')
})

test('links between the documents lead somewhere', (t: TestContext) => {
  for (const [page, text] of texts) {
    const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : relative(root, join(root, dirname(page), path)).replaceAll('\\', '/')
      t.assert.ok(existsSync(join(root, file)), `${page} links to ${target}`)
      if (anchor !== undefined && file.endsWith('.md')) t.assert.ok(anchors(readFileSync(join(root, file), 'utf8')).has(anchor), `${page} links to ${target}, which has no such heading`)
    }
  }
})

/** As GitHub makes them of headings. */
function anchors (text: string): Set<string> {
  return new Set([...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.trim().toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')))
}

test('every page can be reached from docs/index.md', (t: TestContext) => {
  const index = texts.get('docs/index.md') ?? ''
  for (const page of pages.filter((name) => name.startsWith('docs/') && name !== 'docs/index.md')) t.assert.ok(index.includes(`(${page.slice('docs/'.length)})`), `${page} is not in docs/index.md`)
})
