import type { GuardOptions } from '../../types/index.ts'

const PLAIN = /^[A-Za-z_$][\w$]*$/

/** Options as a module of TypeScript; expressions stay expressions. */
export function moduleOf (options: GuardOptions): string {
  return `import type { GuardOptions } from 'fastify-api-guard'\n\nexport const options: GuardOptions = ${source(options, '')}\n`
}

function source (value: unknown, indent: string): string {
  if (typeof value === 'string') return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  if (value instanceof RegExp) return String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) return `[${value.map((entry) => source(entry, inner)).join(', ')}]`
  const members = Object.entries(value).map(([name, member]) => `${inner}${PLAIN.test(name) ? name : source(name, '')}: ${source(member, inner)}`)
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`
}

/** Options as JSON, and the paths of what it cannot say. */
export function jsonOf (options: GuardOptions): { text: string, left: string[] } {
  const left: string[] = []
  const text = JSON.stringify(options, (_name, value: unknown) => {
    if (!Array.isArray(value)) return value
    for (const entry of value) if (entry instanceof RegExp) left.push(String(entry))
    return value.filter((entry) => !(entry instanceof RegExp))
  }, 2)
  return { text: `${text}\n`, left }
}
