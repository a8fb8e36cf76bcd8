import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A file of the page, as it is sent. */
export interface Asset { name: string, type: string, body: Buffer, etag: string }

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml; charset=utf-8'
}

const OWN = ['index.html', 'style.css', 'icon.svg', 'app.js', 'charts.js', 'dom.js', 'events.js', 'panels.js', 'policy.js']

/**
 * Nothing from elsewhere, nothing inline, and no text that becomes markup: even a mistake of the page could not make
 * it run what an attacker wrote.
 */
const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"].join('; ')

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin'
}

/**
 * Reads all files of the page, once, at start.
 *
 * @param base last segment of the page's own path: links are relative to it, so that a proxy may serve it elsewhere
 */
export function readAssets (base: string): Asset[] {
  const folder = new URL('./assets/', import.meta.url)
  const uplot = createRequire(import.meta.url).resolve('uplot').replace(/[^/\\]+$/, '')
  const own = OWN.map((name) => assetOf(name, readFileSync(new URL(name, folder))))
  const html = own[0]!
  own[0] = assetOf(html.name, Buffer.from(html.body.toString('utf8').replaceAll('{{base}}', base)))
  return [...own, assetOf('uplot.js', readFileSync(`${uplot}uPlot.esm.js`)), assetOf('uplot.css', readFileSync(`${uplot}uPlot.min.css`))]
}

function assetOf (name: string, body: Buffer): Asset {
  return { name, type: TYPES[name.slice(name.lastIndexOf('.') + 1)]!, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

export function sendAsset ({ type, body, etag }: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers({ ...PAGE_HEADERS, etag, 'cache-control': 'private, no-cache' })
  const known = request.headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) === true
  return known ? reply.code(304).send() : reply.type(type).send(body)
}
