import type { CheckModule, Refusal } from '../check.ts'
import { PROVIDER_NAMES, PROVIDERS, selectorOf, type Selector } from '../cloud/providers.ts'
import { also, either, list, oneOf, rule, text, type Report } from '../options/shape.ts'
import type { CloudRules } from '../../types/index.ts'
import { needsDatabase } from './country.ts'

const refused: Refusal = { code: 'GUARD_CLOUD_REFUSED', status: 403, reason: 'address is of a cloud provider' }
const unloaded: Refusal = { ...refused, reason: 'ranges of cloud providers are not loaded yet (cloudRanges.whileEmpty)' }

const selector = also(text, (value: string, path: string, report: Report) => {
  const found = selectorOf(value)
  if (typeof found === 'string') report(path, found)
})

const ALL: readonly Selector[] = PROVIDER_NAMES.map((provider) => ({ provider, tag: undefined, text: provider }))

/** Refuses clients whose address is one of a cloud provider. Private addresses pass. */
export const cloud: CheckModule<'cloud'> = {
  key: 'cloud',
  trustSkips: true,
  shape: rule({ deny: either(oneOf('all'), list(selector, 1)) }),
  compile ({ deny }: CloudRules, { clouds, geo }, { problem }) {
    if (deny === undefined) return undefined
    const named = deny === 'all' ? ALL : deny.map((text) => selectorOf(text) as Selector)
    const systems = named.filter(({ provider }) => !('feed' in PROVIDERS[provider])).map(({ provider }) => provider)
    const known = geo?.has.asn === true
    if (systems.length > 0 && !known && deny !== 'all') {
      problem('cloud.deny', `names ${systems.join(', ')}, which publish no ranges and are known by their autonomous systems: ${needsDatabase('asn')}`)
      return undefined
    }
    if (!known && systems.length > 0) clouds.leaveOut(systems)
    const find = clouds.select(known ? named : named.filter(({ provider }) => 'feed' in PROVIDERS[provider]))
    return {
      request (_request, { client }) {
        const found = find(client)
        if (found === undefined) return undefined
        if (found === '') return clouds.whileEmpty === 'refuse' ? unloaded : undefined
        return { ...refused, rule: found }
      }
    }
  }
}
