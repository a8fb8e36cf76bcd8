import { safeUrl } from '../geo/shape.ts'
import { duration, either, list, object, oneOf, text, yes } from '../options/shape.ts'
import { PROVIDER_NAMES, PROVIDERS } from './providers.ts'

const source = either(yes, safeUrl, list(safeUrl, 1))

/** By provider. One without a feed has no mirror; `true` makes it known by its autonomous systems. */
const { keys: _each, ...sources } = object(Object.fromEntries(PROVIDER_NAMES.map((name) => [name, 'feed' in PROVIDERS[name] ? source : yes])))

export const cloudRangesShape = object({ refresh: duration, cacheDir: text, sources, whileEmpty: oneOf('pass', 'refuse') })
