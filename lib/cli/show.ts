/** JSON that also shows what JSON has no form for: functions, expressions, errors and instances. */
export function json (value: unknown, space?: number): string {
  return JSON.stringify(value, (_key, member: unknown) => plain(member), space)
}

function plain (value: unknown): unknown {
  if (typeof value === 'function') return `[function${value.name === '' ? '' : ` ${value.name}`}]`
  if (value instanceof RegExp || typeof value === 'bigint') return String(value)
  if (value instanceof Map || value instanceof Set) return [...value]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? value : `[${value.constructor.name}]`
}

/** One value on one line, cut to `most` characters. */
export function line (value: unknown, most = 100): string {
  const text = json(value) ?? 'undefined'
  return text.length > most ? `${text.slice(0, most - 3)}...` : text
}

/** Columns as wide as their widest cell; the last one runs on. */
export function columns (rows: ReadonlyArray<readonly string[]>, indent = '  '): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length) })
  return rows.map((row) => `${indent}${row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]!)).join('  ')}`.trimEnd() + '\n').join('')
}
