// node --import tsx scripts/replay-screenshot.ts
//
// The picture of a replay's report for docs/replay.md: writes the access log of a day with two waves of attacks, sends it
// through a small application's rules, and has Chromium take the page.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { onPath } from './system.mjs'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'guard-report-'))
const ORDINARY = ['GET /', 'GET /search?q=green+tea', 'GET /users/42', 'POST /login']
const ATTACKS = ["GET /search?q=1'%20OR%20'1'='1", 'GET /search?q=%3Cscript%3Ealert(1)%3C/script%3E', 'GET /users/..%252f..%252fetc%252fpasswd', 'GET /.env', 'GET /wp-login.php']

let seed = 7
function random (below: number): number {
  seed = (seed * 1103515245 + 12345) % 2 ** 31
  return seed % below
}

function line (second: number): string {
  const hour = second / 3600
  const isAttack = random(1000) < (hour > 3 && hour < 4.5 ? 400 : hour > 14 && hour < 15 ? 250 : 8)
  const request = (isAttack ? ATTACKS : ORDINARY)[random(isAttack ? ATTACKS.length : ORDINARY.length)]!
  const client = isAttack ? `203.0.113.${random(6)}` : `198.51.100.${random(250)}`
  const time = new Date(Date.UTC(2026, 10, 20) + second * 1000).toISOString().slice(11, 19)
  return `${client} - - [20/Nov/2026:${time} +0000] "${request} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n`
}

const log = join(folder, 'access.log')
let lines = ''
for (let second = 0; second < 86_400; second++) {
  // More by day than by night.
  for (let n = 0; n < 1 + random(3) * (1 - Math.cos(second / 86_400 * 2 * Math.PI)); n++) lines += line(second)
}
writeFileSync(log, lines)
const app = join(folder, 'app.mjs')
writeFileSync(app, `
import Fastify from ${JSON.stringify(import.meta.resolve('fastify'))}
import guardPlugin from ${JSON.stringify(pathToFileURL(join(root, 'lib/index.ts')).href)}
const app = Fastify()
await app.register(guardPlugin, { rateLimit: { max: 60, window: '1m' }, ban: { threshold: 5, window: '10m', duration: '1h' } })
for (const url of ['/', '/search', '/users/:id']) app.get(url, async () => 'ok')
app.post('/login', { config: { guard: { rateLimit: { max: 5, window: '1h' } } } }, async () => 'ok')
export default app
`)
const html = join(folder, 'report.html')
const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'lib/cli/index.ts'), 'replay', log, '--app', app, '--html', html], { cwd: root, stdio: 'inherit' })
if (status !== 0) throw new Error(`the replay ended with ${status}`)
const executablePath = onPath('chromium')
if (executablePath === undefined) throw new Error('chromium is missing: apt-get install chromium')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, colorScheme: 'light' })
await page.goto(pathToFileURL(html).href)
await page.locator('.plot canvas').first().waitFor()
await page.screenshot({ path: join(root, 'docs/replay.png') })
await browser.close()
rmSync(folder, { recursive: true })
