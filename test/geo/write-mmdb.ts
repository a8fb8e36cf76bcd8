import { parseAddress } from '../../lib/net/address.ts'

/** A value of an mmdb file; whole numbers become uint32. */
export type Value = string | number | boolean | Value[] | { [name: string]: Value }

export interface MmdbOptions {
  type: string
  /** Seconds since the epoch. Default: now. */
  built?: number
  recordSize?: 24 | 28 | 32
  ipVersion?: 4 | 6
}

/** A node's two sides: a node, a record of the data section, or nothing. */
interface Node { sides: [Side, Side] }
type Side = Node | { data: number } | undefined

/** Writes an mmdb file (MaxMind DB format 2.0) with a record for each network; where they overlap, the later one counts for all of it. */
export function writeMmdb (networks: Record<string, Value>, { type, built = Math.floor(Date.now() / 1000), recordSize = 24, ipVersion = 6 }: MmdbOptions): Buffer {
  const root: Node = { sides: [undefined, undefined] }
  const data: Buffer[] = []
  const offsets = new Map<string, number>()
  let length = 0
  for (const [cidr, record] of Object.entries(networks)) {
    const key = JSON.stringify(record)
    let offset = offsets.get(key)
    if (offset === undefined) {
      const bytes = encode(record)
      offsets.set(key, offset = length)
      data.push(bytes)
      length += bytes.length
    }
    insert(root, bitsOf(cidr, ipVersion), { data: offset })
  }
  const nodes = numbered(root)
  const numbers = new Map(nodes.map((node, i) => [node, i]))
  const tree = Buffer.concat(nodes.map((node) => nodeBytes(node.sides.map((side) => side === undefined ? nodes.length : 'data' in side ? nodes.length + 16 + side.data : numbers.get(side)!), recordSize)))
  const metadata = encode({
    binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: built, database_type: type, description: { en: 'written by a test' },
    ip_version: ipVersion, languages: ['en'], node_count: nodes.length, record_size: recordSize
  })
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from('abcdef4d61784d696e642e636f6d', 'hex'), metadata])
}

function bitsOf (cidr: string, ipVersion: 4 | 6): string {
  const [text = '', prefix] = cidr.split('/')
  const { family, v4, a, b, c, d } = parseAddress(text)!
  if (family === 4) {
    const bits = v4.toString(2).padStart(32, '0').slice(0, Number(prefix ?? 32))
    return ipVersion === 4 ? bits : '0'.repeat(96) + bits
  }
  return [a, b, c, d].map((word) => word.toString(2).padStart(32, '0')).join('').slice(0, Number(prefix ?? 128))
}

function insert (root: Node, bits: string, leaf: { data: number }): void {
  let node = root
  for (let i = 0; i < bits.length - 1; i++) {
    const bit = Number(bits[i])
    const side = node.sides[bit]
    node = side !== undefined && 'sides' in side ? side : node.sides[bit] = { sides: [side, side] }
  }
  node.sides[Number(bits.at(-1))] = leaf
}

function numbered (root: Node): Node[] {
  const found: Node[] = [root]
  for (const node of found) for (const side of node.sides) if (side !== undefined && 'sides' in side) found.push(side)
  return found
}

function nodeBytes ([left = 0, right = 0]: number[], recordSize: 24 | 28 | 32): Buffer {
  const bytes = Buffer.alloc(recordSize / 4)
  if (recordSize === 32) {
    bytes.writeUInt32BE(left, 0)
    bytes.writeUInt32BE(right, 4)
    return bytes
  }
  bytes.writeUIntBE(left % 2 ** 24, 0, 3)
  bytes.writeUIntBE(right % 2 ** 24, recordSize / 8 === 3 ? 3 : 4, 3)
  if (recordSize === 28) bytes[3] = Math.floor(left / 2 ** 24) * 16 + Math.floor(right / 2 ** 24)
  return bytes
}

const STRING = 2
const UINT32 = 6
const MAP = 7
const ARRAY = 11
const BOOLEAN = 14

function encode (value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(STRING, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'boolean') return control(BOOLEAN, value ? 1 : 0)
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(UINT32, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)])
  const members = Object.entries(value)
  return Buffer.concat([control(MAP, members.length), ...members.flatMap(([name, member]) => [encode(name), encode(member)])])
}

/** A control byte with a size below 285, which is all that is needed here. */
function control (type: number, size: number): Buffer {
  const bytes = type < 8 ? [type << 5] : [0, type - 7]
  bytes[0]! |= Math.min(size, 29)
  if (size >= 29) bytes.push(size - 29)
  return Buffer.from(bytes)
}
