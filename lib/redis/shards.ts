import { breaker, type Breaker } from './breaker.ts'

export interface ShardsOptions {
  /** The node that a key is on now; it may be another one a moment later. Absent where the client tells of none: then there is one shard. */
  nodeOf?: ((key: string) => string) | undefined
  /** Asks whether the shard of this key takes writes again, without one whether the connection is of use. Rejects if not. */
  probe: (key?: string) => Promise<unknown>
  /** Told of each circuit that opens, with which keys it concerns. */
  onOpen: (reason: string, concerns: (key: string | undefined) => boolean) => void
  /** Told at every change of `where`. */
  onChange: () => void
}

/** A circuit for each shard: one that fails takes no other with it, and is not hidden by the others' successes. */
export interface Shards {
  /** Whether any circuit is open. */
  readonly open: boolean
  /** Which ones: `all`, the nodes' names, or `''`. */
  readonly where: string
  /** Why, and of a cluster which; or why last; `''`: never. */
  readonly reason: string
  isOpen: (key: string) => boolean
  succeeded: (key: string | undefined) => void
  failed: (reason: string, key: string | undefined) => void
  /** Opens all at once, e.g. since the connection is gone. */
  trip: (reason: string) => void
  /** Probes the connection now, e.g. since it is back. */
  retry: () => void
  close: () => void
}

/** `where` of the circuit that all shards have in common. */
export const ALL = 'all'
/** Names in one reason. */
const MOST = 3

/**
 * A node has a circuit from its first failure until it works again, so while all is well there is nothing to look up.
 * Circuits go by nodes, not slots: after a failover or resharding a key is of another node, and thus of another
 * circuit; the probe of the old one reaches whoever has its key now, and so ends it.
 */
export function shards ({ nodeOf, probe, onOpen, onChange }: ShardsOptions): Shards {
  const nodes = new Map<string, { circuit: Breaker, key: string }>()
  let where = ''
  let reason = ''

  const whole = breaker({
    probe: () => probe(),
    onChange (open, why) {
      // What they had found out is of another connection.
      for (const { circuit } of nodes.values()) circuit.close()
      nodes.clear()
      update()
      if (open) onOpen(why, () => true)
    }
  })

  function openOnes (): string[] {
    return [...nodes].filter(([, { circuit }]) => circuit.open).map(([name]) => name)
  }

  function reasonNow (): string {
    if (whole.open) return whole.reason
    const names = openOnes()
    const told = names.slice(0, MOST).map((name) => `${name}: ${nodes.get(name)!.circuit.reason}`).join('; ')
    return names.length > MOST ? `${told}; and ${names.length - MOST} more` : told
  }

  function update (): void {
    where = whole.open ? ALL : openOnes().join(', ')
    if (where !== '') reason = reasonNow()
    onChange()
  }

  function circuitOf (name: string, key: string): Breaker {
    const known = nodes.get(name)
    if (known !== undefined) return known.circuit
    // Those that failed now and then, and have no keys any more, are of no use.
    for (const [old, node] of nodes) if (!node.circuit.open && nodeOf!(node.key) !== old) nodes.delete(old)
    const circuit = breaker({
      probe: () => probe(key),
      onChange (open, why) {
        if (!open) nodes.delete(name)
        update()
        if (open) onOpen(`${name}: ${why}`, (key) => key !== undefined && nodeOf!(key) === name)
      }
    })
    nodes.set(name, { circuit, key })
    return circuit
  }

  return {
    get open () { return where !== '' },
    get where () { return where },
    get reason () {
      if (nodeOf === undefined) return whole.reason
      // A probe may have found another one since.
      return where === '' ? reason : reasonNow()
    },
    isOpen: (key) => whole.open || (nodes.size > 0 && nodes.get(nodeOf!(key))?.circuit.open === true),

    succeeded (key) {
      whole.succeeded()
      if (nodes.size === 0 || key === undefined) return
      const name = nodeOf!(key)
      if (nodes.get(name)?.circuit.open === false) nodes.delete(name)
    },

    failed (why, key) {
      if (nodeOf === undefined || key === undefined || whole.open) whole.failed(why)
      else circuitOf(nodeOf(key), key).failed(why)
    },

    trip: whole.trip,
    retry: whole.retry,
    close () {
      whole.close()
      for (const { circuit } of nodes.values()) circuit.close()
      nodes.clear()
    }
  }
}
