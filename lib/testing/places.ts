import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'

export interface Places {
  set: (ip: string, country: string) => void
  clear: () => void
  restore: () => void
}

/** Lets the guard's geo database say what a test wants of some addresses. */
export function placesOf ({ services: { geo } }: Guard): Places {
  const countries = new Map<string, string>()
  if (geo === undefined) {
    return {
      set () { throw new GUARD_OPTION_INVALID('guard: as({ country }) needs the option geo; in tests { handler: { lookup: () => null } } will do') },
      clear () {},
      restore () {}
    }
  }
  const { place, isPrivate } = geo
  geo.place = (client) => {
    const country = countries.get(client.ip)
    return country === undefined ? place(client) : { ...place(client), country }
  }
  geo.isPrivate = (client) => !countries.has(client.ip) && isPrivate(client)
  return {
    set (ip, country) {
      if (!/^[A-Za-z]{2}$/.test(country)) throw new GUARD_OPTION_INVALID(`guard: as({ country }) takes a code of two letters, got ${JSON.stringify(country)}`)
      countries.set(ip, country.toUpperCase())
    },
    clear () { countries.clear() },
    restore () { Object.assign(geo, { place, isPrivate }) }
  }
}
