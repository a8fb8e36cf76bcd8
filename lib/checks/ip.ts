import type { CheckModule, Refusal, Services } from '../check.ts'
import type { LiveList } from '../net/list.ts'
import { entryShape, gateShape, listShape, trustShape } from '../net/list.ts'
import { also, isObject, list, object, oneOf, rule, type Report } from '../options/shape.ts'
import type { IpRules, ListEntry } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_IP_REFUSED', status: 403, reason: 'address is refused', strike: 'ip' }
const invalid: Refusal = { code: 'GUARD_IP_INVALID', status: 400, reason: 'address of the client cannot be read', rule: 'ip.invalid', strike: 'ip' }

const ordered = also(object({ allow: entryShape, deny: entryShape }), (value: Record<string, unknown>, path: string, report: Report) => {
  if ((value['allow'] === undefined) === (value['deny'] === undefined)) report(path, 'must have either "allow" or "deny"')
})

/** Refuses requests by the client's address: `deny`, then the gate `allow`, then `rules` in order. */
export const ip: CheckModule<'ip'> = {
  key: 'ip',
  trustSkips: true,
  shape: rule({ allow: gateShape, deny: listShape, rules: list(ordered), trust: trustShape, invalid: oneOf('refuse', 'pass') }),
  compile (rules: IpRules, { lists }: Services) {
    const { allow, deny, rules: inOrder = [], trust, invalid: unreadable = 'refuse' } = rules
    const empty = [allow, deny, trust, rules.invalid].every((member) => member === undefined) && inOrder.length === 0
    if (empty) return undefined
    const denied = deny === undefined ? undefined : lists.read(deny)
    const gate = allow === undefined ? undefined : lists.read(allow)
    const steps = compileRules(inOrder, lists)
    return {
      request (_request, { client: { address } }) {
        if (address === undefined) return unreadable === 'refuse' ? invalid : undefined
        if (denied?.has(address) === true) return { ...refused, reason: 'address is on ip.deny', rule: `ip.deny ${denied.find(address)}` }
        if (gate?.has(address) === false) return { ...refused, reason: 'address is not on ip.allow', rule: 'ip.allow' }
        for (const { verdict, entries } of steps) {
          if (!entries.has(address)) continue
          return verdict === 'allow' ? undefined : { ...refused, reason: 'address is refused by ip.rules', rule: `ip.rules deny ${entries.find(address)}` }
        }
        return undefined
      }
    }
  }
}

/** Whom a rule trusts; trust is looked up before any check runs. */
export function trustOf ({ trust }: IpRules, { lists }: Pick<Services, 'lists'>): LiveList | undefined {
  return trust === undefined || (Array.isArray(trust) && trust.length === 0) ? undefined : lists.read(trust)
}

interface Step { verdict: 'allow' | 'deny', entries: LiveList }

/** Neighbours of one kind become one list, which changes no verdict. */
function compileRules (rules: NonNullable<IpRules['rules']>, lists: Services['lists']): Step[] {
  const groups: Array<{ verdict: Step['verdict'], entries: ListEntry[] }> = []
  for (const each of rules) {
    const verdict = 'allow' in each && isObject(each) && each.allow !== undefined ? 'allow' : 'deny'
    const entry = (each as Record<string, ListEntry>)[verdict]!
    const last = groups.at(-1)
    if (last?.verdict === verdict) last.entries.push(entry)
    else groups.push({ verdict, entries: [entry] })
  }
  return groups.map(({ verdict, entries }) => ({ verdict, entries: lists.read(entries) }))
}
