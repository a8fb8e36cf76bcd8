import { auth } from '../checks/auth.ts'
import { pathPrefix } from '../options/path-prefix.ts'
import { also, either, fn, is, no, object, show, type Report } from '../options/shape.ts'

const { scheme, verify } = auth.shape.keys!

const path = also(pathPrefix, (value: string, at: string, report: Report) => {
  if (/[^\w./~-]|\/\/|\/$|\/\.{1,2}(?:\/|$)/.test(value)) report(at, `must be a plain path such as '/guard', got ${show(value)}`)
})

/** `true` would say nothing of who may see it. */
const missing = is('an object with path and auth', () => false, undefined)

export const dashboardShape = either(no, object({ path, auth: either(object({ scheme: scheme!, verify: verify! }, 'scheme', 'verify'), fn) }), missing)
