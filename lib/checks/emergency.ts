import type { CheckModule, Refusal } from '../check.ts'
import { listShape } from '../net/list.ts'
import { bool, either, object, yes } from '../options/shape.ts'
import type { EmergencyRules } from '../../types/index.ts'

const refused: Refusal = {
  code: 'GUARD_EMERGENCY',
  status: 503,
  reason: 'emergency mode is on',
  rule: 'emergency',
  headers: { 'retry-after': '60' }
}

/** Refuses everybody who is not listed while emergency mode is on. It is switched at run time, so the check is always there. */
export const emergency: CheckModule<'emergency'> = {
  key: 'emergency',
  trustSkips: false,
  shape: either(yes, object({ enabled: bool, allow: listShape })),
  compile ({ allow: list }: EmergencyRules, { emergency: mode, lists, now }) {
    const allow = list === undefined ? undefined : lists.read(list)
    return {
      request (_request, { client: { address } }) {
        if (!mode.enabled) return undefined
        if (address !== undefined && allow?.has(address) === true) return undefined
        return mode.until === undefined ? refused : { ...refused, headers: { 'retry-after': String(Math.max(1, Math.ceil((mode.until - now()) / 1000))) } }
      }
    }
  }
}
