import { K } from './keywords.ts'
import { brief, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'

const rule = rulesOf('prototype-pollution', {
  proto: [1, 5, 'a name or path that leads to a prototype', '__proto__[admin]=1', 'the __proto__ property'],
  constructor: [1, 5, 'a name or path through constructor to prototype', 'constructor[prototype][admin]=1', 'a constructor function']
})

export function mayPollute (look: Look): boolean {
  return (look.words & K.PROTO) !== 0
}

export function prototypePollution (look: Look): void {
  if ((look.place & (place.NAME | place.JSON_KEY)) !== 0) {
    signIf(look, rule.proto, /(?:^|[[.\]"'/])\s*__(?:proto__|define[GS]etter__|lookup[GS]etter__|pro__proto__to__)/)
    signIf(look, rule.constructor, /(?:^|[[.\]"'])constructor(?:\]|\.|\[|")+\s*\[?prototype/)
    return
  }
  if (!brief(look) && (look.place & place.JSON_KEY) === 0) {
    signIf(look, rule.proto, /^\s*[{[][^]*["']__proto__["']\s*:\s*\{/)
    return
  }
  signIf(look, rule.proto, /__proto__\s*["']?\s*(?:\[|\.|\]|:|=)|(?:\[|\.|:)\s*["']?__proto__|^[\w.]*__(?:define|lookup)[GS]etter__|^\W*Object\s*\.\s*prototype\s*[.[]\s*[\w"']+\s*\]?\s*=/)
  if ((look.place & place.PATH) !== 0) signIf(look, rule.proto, /(?:^|\/)(?:__proto__|constructor\/prototype)(?:\/|$)/)
  signIf(look, rule.constructor, /constructor\s*["']?\s*\]?\s*(?:\[|\.|,|:\s*\{)\s*["']?prototype/)
}
