import { K } from './keywords.ts'
import { brief, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'

const rule = rulesOf('prototype-pollution', {
  proto: [1, 5, 'a name or path that leads to a prototype', '__proto__[admin]=1', 'the __proto__ property'],
  constructor: [1, 5, 'a name or path through constructor to prototype', 'constructor[prototype][admin]=1', 'a constructor function']
})

export function mayPollute (look: Look): boolean {
  return (look.words & K.PROTO) !== 0
}

/** `{"constructor":{"prototype":{...}}}`: two names of JSON that lead to every object when they are merged. */
export function constructorKey (look: Look, key: string, value: unknown): boolean {
  if (key !== 'constructor' || typeof value !== 'object' || value === null || !Object.hasOwn(value, 'prototype')) return false
  look.text = key
  look.score = 0
  if (look.signs.length > 0) look.signs = []
  sign(look, rule.constructor, 0, key.length)
  return look.score >= look.threshold
}

export function prototypePollution (look: Look): void {
  if ((look.place & (place.NAME | place.JSON_KEY)) !== 0) {
    signIf(look, rule.proto, /(?:^|[[.\]"'/?#])\s*__(?:proto__|define[GS]etter__|lookup[GS]etter__|pro__proto__to__)/)
    signIf(look, rule.constructor, /(?:^|[[.\]"'])constructor(?:\]|\.|\[|")+\s*\[?prototype/)
    return
  }
  if (!brief(look) && (look.place & place.JSON_KEY) === 0) {
    signIf(look, rule.proto, /^\s*[{[][^]*["']__proto__["']\s*:\s*\{/)
    return
  }
  signIf(look, rule.proto, /__proto__\s*["']?\s*(?:\[|\.|\]|:|=)|(?:\[|\.|:)\s*["']?__proto__|^[\w.]*__(?:define|lookup)[GS]etter__|^(?:\/[^/\s]{1,60}){0,8}\/(?:__proto__|constructor\/prototype)\/|__pro__proto__to__|__proto__->|^\W*Object\s*\.\s*prototype\s*[.[]\s*[\w"']+\s*\]?\s*=/)
  if ((look.place & place.PATH) !== 0) signIf(look, rule.proto, /(?:^|\/)(?:__proto__|constructor\/prototype)(?:\/|$)/)
  signIf(look, rule.constructor, /constructor\s*["']?\s*\]?\s*(?:\[|\.|,|:\s*\{)\s*["']?prototype/)
}
