import { isObject } from '../options/shape.ts'
import { isReady } from '../redis/client.ts'
import type { RedisConnection } from '../redis/connection.ts'

/** What a node tells the others of itself. */
export interface NodeNumbers {
  node: string
  /** Since its start. */
  requests: number
  refused: number
  reported: number
  bans: number
  /** Milliseconds. */
  uptime: number
}

/** The other nodes that share the store, as they were some seconds ago. */
export interface Nodes {
  /** With the milliseconds since each was heard of. */
  others: () => Array<NodeNumbers & { age: number }>
  close: () => void
}

const EVERY = 2000
/** Seconds after which a node that is not heard of is forgotten. */
const FORGET = 15
/** Nodes shown. */
const MOST = 100

/**
 * Tells and hears in one step. Ages are by Redis's clock, since those of nodes differ; who has gone is dropped, so
 * that nodes that come and go do not pile up, and so is what no node has written.
 */
const SCRIPT = `
local now, forget = tonumber(redis.call('TIME')[1]), tonumber(ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], now .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local all, found = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local at, told = string.match(all[i + 1], '^(%d+) (.+)$')
  local age = at and now - tonumber(at)
  if not at or math.abs(age) > forget then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    found[#found + 1] = math.max(age, 0) .. ' ' .. told
  end
end
return found`

/** @param own the numbers of this node, asked for each time */
export function nodes ({ client, prefix }: RedisConnection, own: () => NodeNumbers, failed: (error: unknown) => void, every = EVERY): Nodes {
  let known: Array<NodeNumbers & { age: number }> = []
  let heard = 0
  let waits = false
  const key = `${prefix}{dashboard}:nodes`

  async function round (): Promise<void> {
    if (waits || !isReady(client)) return
    waits = true
    try {
      const numbers = own()
      const found = await client.eval(SCRIPT, 1, key, numbers.node, JSON.stringify(numbers), String(FORGET)) as string[]
      known = found.slice(0, MOST).flatMap(read).sort((one, other) => one.node < other.node ? -1 : 1)
      heard = performance.now()
    } catch (error) {
      known = []
      failed(error)
    } finally {
      waits = false
    }
  }

  const timer = setInterval(() => { round().catch(failed) }, every).unref()
  /** Where Redis is away, what was heard grows old. */
  const others = (): typeof known => {
    const since = Math.round(performance.now() - heard)
    return known.map((node) => ({ ...node, age: node.age + since })).filter(({ age }) => age <= FORGET * 1000)
  }
  return { others, close: () => clearInterval(timer) }
}

/** Another version of the guard may have written it: numbers are taken as numbers, the rest as nothing. */
function read (text: string): Array<NodeNumbers & { age: number }> {
  const blank = text.indexOf(' ')
  const told = parsed(text.slice(blank + 1))
  if (!isObject(told)) return []
  const count = (name: keyof NodeNumbers): number => typeof told[name] === 'number' ? told[name] : 0
  return [{ node: typeof told['node'] === 'string' ? told['node'].slice(0, 100) : '(no name)', requests: count('requests'), refused: count('refused'), reported: count('reported'), bans: count('bans'), uptime: count('uptime'), age: Number(text.slice(0, blank)) * 1000 }]
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
