import { mask, network6, type Address } from '../net/address.ts'

/** Values by network. A look-up costs one probe for each prefix length in use, however many networks there are and however they nest. */
export interface Networks<T> {
  add: (address: Address, prefix: number, value: T) => void
  remove: (address: Address, prefix: number) => void
  /** The first value of a network around the address that `wanted` takes. */
  find: (address: Address, wanted: (value: T) => boolean) => T | undefined
  clear: () => void
}

type ByLength<T> = Map<number, Map<number | string, T>>

export function networks<T> (): Networks<T> {
  const v4: ByLength<T> = new Map()
  const v6: ByLength<T> = new Map()
  const lengthsOf = ({ family }: Address): ByLength<T> => family === 4 ? v4 : v6
  return {
    add (address, prefix, value) {
      const lengths = lengthsOf(address)
      let values = lengths.get(prefix)
      if (values === undefined) lengths.set(prefix, values = new Map())
      values.set(network(address, prefix), value)
    },
    remove (address, prefix) {
      const lengths = lengthsOf(address)
      const values = lengths.get(prefix)
      values?.delete(network(address, prefix))
      if (values?.size === 0) lengths.delete(prefix)
    },
    find (address, wanted) {
      for (const [prefix, values] of lengthsOf(address)) {
        const value = values.get(network(address, prefix))
        if (value !== undefined && wanted(value)) return value
      }
      return undefined
    },
    clear () {
      v4.clear()
      v6.clear()
    }
  }
}

function network (address: Address, prefix: number): number | string {
  return address.family === 4 ? (address.v4 & mask(prefix)) >>> 0 : network6(address, prefix).join()
}
