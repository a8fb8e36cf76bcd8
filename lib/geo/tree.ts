import { text4, text6, type Address } from '../net/address.ts'

/** The search tree of an mmdb file, which stands at its start. */
export interface Tree { bytes: Buffer, nodeCount: number, recordSize: number, ipVersion: number }

/**
 * Finds the number that stands for an address' record: the same record, the same number; 0 if there is none. The
 * file's own reader parses the address as text again and decodes the record each time, which costs ten times as much.
 */
export function treeSearch (tree: Tree): (address: Address) => number {
  const { nodeCount, ipVersion } = tree
  /** v4 addresses are the lowest 2 ** 32 of a v6 tree. */
  const start4 = ipVersion === 4 ? 0 : descend(tree, 0, descend(tree, 0, descend(tree, 0, 0)))

  function recordOf (node: number): number {
    return node > nodeCount ? node : 0
  }
  return ({ family, v4, a, b, c, d }) => {
    if (family === 4) return recordOf(descend(tree, v4, start4))
    if (ipVersion === 4) return 0
    let node = descend(tree, a, 0)
    if (node < nodeCount) node = descend(tree, b, node)
    if (node < nodeCount) node = descend(tree, c, node)
    if (node < nodeCount) node = descend(tree, d, node)
    return recordOf(node)
  }
}

/** Follows the bits of a word from a node on, until they lead out of the tree. */
function descend (tree: Tree, word: number, node: number): number {
  const { bytes, nodeCount, recordSize } = tree
  for (let bit = 31; bit >= 0 && node < nodeCount; bit--) node = childOf(bytes, node, word >>> bit & 1, recordSize)
  return node
}

function childOf (bytes: Buffer, node: number, side: number, recordSize: number): number {
  if (recordSize === 24) {
    const at = node * 6 + side * 3
    return bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!
  }
  if (recordSize === 32) return bytes.readUInt32BE(node * 8 + side * 4)
  const at = node * 7
  const high = side === 0 ? bytes[at + 3]! >>> 4 : bytes[at + 3]! & 15
  const low = at + side * 4
  return high << 24 | bytes[low]! << 16 | bytes[low + 1]! << 8 | bytes[low + 2]!
}

/**
 * Addresses that a file has records for, from all over its tree: what shows what kind of file it is.
 *
 * @param count at most about so many
 */
export function sampleAddresses ({ bytes, nodeCount, recordSize, ipVersion }: Tree, count: number): string[] {
  const found: string[] = []
  const depth = ipVersion === 4 ? 32 : 128
  const waiting: Array<{ node: number, bits: string }> = [{ node: 0, bits: '' }]
  for (let steps = 0; waiting.length > 0 && found.length < count && steps < 20_000; steps++) {
    // Depth leads to records, breadth now and then to other ones.
    const { node, bits } = (steps % 64 === 63 ? waiting.shift() : waiting.pop())!
    if (bits.length >= depth) continue
    for (const side of [1, 0]) {
      const next = childOf(bytes, node, side, recordSize)
      if (next > nodeCount) found.push(addressOf(bits + side, ipVersion))
      else if (next < nodeCount) waiting.push({ node: next, bits: bits + side })
    }
  }
  return found
}

/** The first address below a branch. */
function addressOf (bits: string, ipVersion: number): string {
  if (ipVersion === 4) return text4(Number.parseInt(bits.padEnd(32, '0'), 2))
  const full = bits.padEnd(128, '0')
  const words = [0, 32, 64, 96].map((at) => Number.parseInt(full.slice(at, at + 32), 2)) as [number, number, number, number]
  return words[0] === 0 && words[1] === 0 && words[2] === 0 ? text4(words[3]) : text6(...words)
}
