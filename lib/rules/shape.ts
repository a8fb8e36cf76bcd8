import { also, duration, either, is, object, text } from '../options/shape.ts'

/** https, or this machine's own loopback. */
const address = is('an https URL', (value) => {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))
}, { type: 'string', pattern: '^[Hh][Tt][Tt][Pp]' })

const digest = is("'sha256-' and 64 hexadecimal digits", (value) => typeof value === 'string' && /^sha256-[0-9a-f]{64}$/i.test(value), { type: 'string', pattern: '^[Ss][Hh][Aa]256-[0-9A-Fa-f]{64}$' })
const common = { refresh: duration, digest }

export const rulesSourceShape = also(object({ ...common, file: text, url: either(address) }), (value: Record<string, unknown>, path, report) => {
  if ((value['file'] === undefined) === (value['url'] === undefined)) report(path, 'needs either file or url')
})
