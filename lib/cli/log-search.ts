import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A log line that names a reference: its fields, or the line itself where it is no JSON. */
export type Found = Record<string, unknown>

/** The first line of a log that names `reference`; the guard's own line has its fields. */
export async function findReference (reference: string, from: string | Readable): Promise<Found | undefined> {
  const input = typeof from === 'string' ? createReadStream(from) : from
  // A stream that fails does not end the loop below by itself.
  const failed = new Promise<never>((_resolve, reject) => { input.once('error', reject) })
  return Promise.race([search(reference, input), failed])
}

async function search (reference: string, input: Readable): Promise<Found | undefined> {
  const lines = createInterface({ input, crlfDelay: Infinity })
  for await (const line of lines) {
    if (!line.includes(reference)) continue
    const found = fieldsOf(line)
    if (found === undefined ? !line.endsWith(` ${reference}`) : found['reference'] !== reference) continue
    lines.close()
    input.destroy()
    return found ?? { reference, line }
  }
  return undefined
}

function fieldsOf (line: string): Found | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value as Found : undefined
  } catch {
    return undefined
  }
}
