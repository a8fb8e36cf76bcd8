import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { routeTable, type RouteTable } from '../../lib/headers/targets.ts'

function table (options = {}): RouteTable<string> {
  const routes = routeTable<string>(Fastify({ routerOptions: options }).initialConfig)
  for (const [method, url, host] of [['GET', '/'], ['GET', '/items/:id'], ['PUT', '/items/:id'], ['GET', '/files/*'], ['GET', '/num/:id(^\\d+$)'], ['GET', '/at/:a-:b'],
    ['GET', '/host', 'a.test'], ['GET', '/host', 'b.test'], ['GET', '/Case'], ['GET', '/slash/']] as Array<[string, string, string?]>) {
    routes.add([method], url, host, `${method} ${url} ${host ?? ''}`.trim())
  }
  return routes
}

for (const [method, url, host, expected] of [
  ['GET', '/', undefined, 'GET /'],
  ['GET', '/items/7?a=b', undefined, 'GET /items/:id'],
  ['PUT', '/items/%41', undefined, 'PUT /items/:id'],
  ['DELETE', '/items/7', undefined, undefined],
  ['NONSENSE', '/items/7', undefined, undefined],
  ['constructor', '/', undefined, undefined],
  ['GET', '/files/a/b', undefined, 'GET /files/*'],
  ['GET', '/num/7', undefined, 'GET /num/:id(^\\d+$)'],
  ['GET', '/num/x', undefined, undefined],
  ['GET', '/at/1-2', undefined, 'GET /at/:a-:b'],
  ['GET', '/host', 'b.test', 'GET /host b.test'],
  ['GET', '/host', 'c.test', undefined],
  ['GET', '/items/7', 'c.test', 'GET /items/:id'],
  ['GET', '/none', undefined, undefined],
  ['GET', '/%zz', undefined, undefined],
  ['GET', `/items/${'x'.repeat(101)}`, undefined, undefined],
  ['GET', '/case', undefined, undefined],
  ['GET', '/slash', undefined, undefined]
] as Array<[string, string, string | undefined, string | undefined]>) {
  test(`${method} ${url.slice(0, 30)} at ${host ?? 'no host'} leads to ${expected ?? 'no route'}`, (t: TestContext) => {
    t.assert.strictEqual(table().find(method, url, host), expected)
  })
}

test("the router's settings count", (t: TestContext) => {
  const routes = table({ caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true })
  t.assert.strictEqual(routes.find('GET', '/case', undefined), 'GET /Case')
  t.assert.strictEqual(routes.find('GET', '//slash', undefined), 'GET /slash/')
})

test('of routes with the same method, URL and host the first counts', (t: TestContext) => {
  const routes = table()
  t.assert.strictEqual(routes.find('GET', '/', undefined), 'GET /')
  routes.add(['GET', 'HEAD'], '/', undefined, 'other')
  t.assert.strictEqual(routes.find('GET', '/', undefined), 'GET /')
  t.assert.strictEqual(routes.find('HEAD', '/', undefined), 'other')
})
