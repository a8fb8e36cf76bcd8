// node --import tsx scripts/screenshots.ts [seconds]
//
// Pictures of the dashboard for docs/dashboard.md: starts the demo, replays a mixture of requests of many clients
// against it for as long as the plots show (default 310 s), and has Chromium take them.
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type BrowserContextOptions } from 'playwright-core'
import { onPath } from './system.mjs'

const root = join(import.meta.dirname, '..')
const seconds = Number(process.argv[2] ?? 310)
const LARGEST = 200_000

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36'
interface Sent { weight: number, path: string, agent?: string, body?: object, attackers?: boolean }

/** What is asked for, and how often beside the others. */
const MIXTURE: Sent[] = [
  { weight: 40, path: '/' },
  { weight: 30, path: '/search?q=green+tea' },
  { weight: 25, path: '/users/42' },
  { weight: 10, path: '/echo', body: { comment: 'two for the road' } },
  { weight: 3, path: '/admin' },
  { weight: 4, path: '/private' },
  { weight: 6, path: '/login', body: { user: 'ann' } },
  { weight: 4, path: "/search?q=1'%20OR%20'1'='1", attackers: true },
  { weight: 4, path: '/search?q=%3Cscript%3Ealert(1)%3C/script%3E', attackers: true },
  { weight: 3, path: '/users/..%252f..%252fetc%252fpasswd', attackers: true },
  { weight: 3, path: '/.env', attackers: true },
  { weight: 2, path: '/wp-login.php', attackers: true },
  { weight: 2, path: '/echo', body: { comment: '<img src=x onerror=alert(1)>' }, attackers: true },
  { weight: 3, path: '/', agent: 'sqlmap/1.8', attackers: true },
  { weight: 1, path: '/%zz', attackers: true }
]

let seed = 7
/** The same sequence each time. */
function random (below: number): number {
  seed = Math.imul(seed, 1664525) + 1013904223 >>> 0
  return Math.floor(seed / 2 ** 32 * below)
}

async function send (at: string): Promise<void> {
  let place = random(MIXTURE.reduce((sum, { weight }) => sum + weight, 0))
  const { path, agent = BROWSER, body, attackers } = MIXTURE.find(({ weight }) => (place -= weight) < 0)!
  const ip = attackers === true ? random(8) === 0 ? '192.0.2.44' : `203.0.113.${1 + random(14)}` : `198.51.100.${1 + random(120)}`
  const headers = { 'x-forwarded-for': ip, 'user-agent': agent, ...(body !== undefined && { 'content-type': 'application/json' }) }
  const response = await fetch(at + path, { headers, ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }) })
  await response.arrayBuffer()
}

async function load (at: string, until: number): Promise<void> {
  for (let i = 0; Date.now() < until; i++) {
    const rate = 12 + 8 * Math.sin(i / 90)
    await send(at)
    await sleep(1000 / rate * (0.5 + random(100) / 100))
  }
}

const demo = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples/demo.ts')], { cwd: root, env: { ...process.env, LOG_LEVEL: 'silent' }, stdio: ['ignore', 'pipe', 'inherit'] })
process.once('exit', () => demo.kill())
const at = await new Promise<string>((resolve) => {
  let text = ''
  demo.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const found = /^http:\/\/127\.0\.0\.1:\d+$/m.exec(text)
    if (found !== null) resolve(found[0])
  })
})
await load(at, Date.now() + seconds * 1000)

const executablePath = onPath('chromium')
if (executablePath === undefined) throw new Error('chromium is missing: apt-get install chromium')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const going = load(at, Date.now() + 15_000)

async function take (name: string, context: BrowserContextOptions, scrollTo?: string): Promise<void> {
  const own = await browser.newContext(context)
  const page = await own.newPage()
  await page.goto(`${at}/guard`)
  await page.locator('#event-rows tr').first().waitFor()
  if (scrollTo !== undefined) await page.locator(scrollTo).evaluate((element) => { (element as unknown as { scrollIntoView: () => void }).scrollIntoView() })
  await sleep(1500)
  const path = join(root, 'docs', name)
  await page.screenshot({ path })
  await own.close()
  const { size } = statSync(path)
  console.log(`docs/${name}: ${size} bytes`)
  if (size > LARGEST) process.exitCode = 1
}

await take('dashboard.png', { viewport: { width: 1280, height: 1040 }, colorScheme: 'light' })
await take('dashboard-dark.png', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }, '#events')
await take('dashboard-phone.png', { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true })
await going
await browser.close()
demo.kill()
