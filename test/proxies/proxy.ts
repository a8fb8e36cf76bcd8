import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { onPath } from '../../scripts/system.mjs'

const missing = ['nginx', 'haproxy', 'openssl'].filter((command) => onPath(command) === undefined)
/** Why the tests are skipped; `false`: they are not. */
export const skip: string | false = missing.length > 0 && `${missing.join(', ')} is missing: apt-get install ${missing.join(' ')}`

export type Kind = 'nginx' | 'haproxy'

export interface Proxy { http: number, https: number }

/** The configuration of a proxy as docs/proxies.md has it. */
export function documented (kind: Kind): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/proxies.md'), 'utf8')
  const block = new RegExp('```' + kind + '\\n([\\s\\S]*?)```').exec(page)
  if (block === null) throw new Error(`docs/proxies.md has no block for ${kind}`)
  return block[1]!
}

/** Replaces what a test has to have otherwise than the document; each has to be there. */
function adapt (text: string, changes: ReadonlyArray<readonly [string, string]>): string {
  return changes.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the documented configuration has no ${from}`)
    return changed.replaceAll(from, to)
  }, text)
}

/**
 * Starts a proxy with the documented configuration before an application. It is told the client's address by the PROXY
 * protocol, as by a balancer before it, since a test has no other address than this machine's.
 *
 * @param target where the application listens: a port, or the path of a Unix socket (nginx)
 */
export async function startProxy (t: TestContext, kind: Kind, target: number | string): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'guard-proxy-'))
  const pem = join(folder, 'example.pem')
  const key = join(folder, 'example.key')
  spawnSync(onPath('openssl')!, ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=example.com', '-keyout', key, '-out', pem])
  const ports = { http: await freePort(), https: await freePort() }
  const config = join(folder, `${kind}.conf`)
  writeFileSync(pem, readFileSync(pem, 'utf8') + readFileSync(key, 'utf8'))
  writeFileSync(config, kind === 'nginx' ? nginx(folder, ports, pem, key, target) : haproxy(ports, pem, target))
  const child = kind === 'nginx'
    ? spawn(onPath('nginx')!, ['-p', folder, '-c', config, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] })
    : spawn(onPath('haproxy')!, ['-db', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = (): void => { child.kill('SIGTERM') }
  process.once('exit', kill)
  t.after(async () => {
    process.removeListener('exit', kill)
    if (child.exitCode === null) {
      kill()
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  await listening(child, ports)
  return ports
}

function nginx (folder: string, { http, https }: Proxy, pem: string, key: string, target: number | string): string {
  const server = adapt(documented('nginx'), [
    ['listen 80;', `listen 127.0.0.1:${http} proxy_protocol;`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${https} ssl http2 proxy_protocol;`],
    ['/etc/ssl/example.com.pem', pem],
    ['/etc/ssl/example.com.key', key],
    ['http://127.0.0.1:3000', typeof target === 'number' ? `http://127.0.0.1:${target}` : `http://unix:${target}`]
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temporary}\nset_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;\n${server}}\n`
}

function haproxy ({ http, https }: Proxy, pem: string, target: number | string): string {
  return adapt(documented('haproxy'), [
    ['bind :80\n', `bind 127.0.0.1:${http} accept-proxy\n`],
    ['bind :443 ssl', `bind 127.0.0.1:${https} accept-proxy ssl`],
    ['/etc/ssl/example.com.pem', pem],
    ['127.0.0.1:3000', `127.0.0.1:${target}`]
  ])
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listening (child: ChildProcess, ports: Proxy): Promise<void> {
  let output = ''
  child.stderr?.on('data', (chunk: Buffer) => { output += chunk.toString() })
  for (const port of [ports.http, ports.https]) {
    for (let i = 0; ; i++) {
      if (child.exitCode !== null || i > 200) throw new Error(`the proxy does not listen: ${output}`)
      const socket = connect(port, '127.0.0.1')
      const up = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false)
      socket.destroy()
      if (up) break
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}

export interface Asked { from: string, scheme: 'http' | 'https', path: string, lines?: readonly string[] }
export interface Answer { status: number, body: string }

/** A connection to the proxy of a client with this address. */
async function open ({ from, scheme }: Asked, proxy: Proxy, protocol: string): Promise<Socket> {
  const plain = connect(proxy[scheme], '127.0.0.1')
  await once(plain, 'connect')
  plain.write(from.includes(':') ? `PROXY TCP6 ${from} 2001:db8:ffff::1 50000 443\r\n` : `PROXY TCP4 ${from} 192.0.2.1 50000 443\r\n`)
  if (scheme === 'http') return plain
  const secure = connectTls({ socket: plain, rejectUnauthorized: false, ALPNProtocols: [protocol] })
  await once(secure, 'secureConnect')
  return secure
}

/** One request, its header lines exactly as given. */
export async function ask (proxy: Proxy, asked: Asked): Promise<Answer> {
  const socket = await open(asked, proxy, 'http/1.1')
  socket.write([`GET ${asked.path} HTTP/1.1`, 'Host: example.com', 'Connection: close', ...asked.lines ?? [], '', ''].join('\r\n'))
  let text = ''
  for await (const chunk of socket) text += (chunk as Buffer).toString()
  const [head = '', ...rest] = text.split('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), body: rest.join('\r\n\r\n') }
}

/** The same over HTTP/2. */
export async function askHttp2 (proxy: Proxy, asked: Asked, headers: Record<string, string>): Promise<Answer> {
  const socket = await open({ ...asked, scheme: 'https' }, proxy, 'h2')
  const session = connectHttp2('https://example.com', { createConnection: () => socket })
  try {
    const stream = session.request({ ':path': asked.path, ...headers })
    const [answer] = await once(stream, 'response') as [Record<string, unknown>]
    let body = ''
    for await (const chunk of stream) body += (chunk as Buffer).toString()
    return { status: Number(answer[':status']), body }
  } finally {
    session.destroy()
  }
}
