/** Texts remembered; a power of 2. */
const TEXTS = 4096

/**
 * What `RateLimit` says of a limit. Making a text of new numbers costs more than all the rest of a decision, and
 * clients that come as often have the same numbers left: the latest texts are remembered, each at the one place
 * that its numbers lead to. One memory for all limits of an app: of a thousand routes each has limits of its own.
 *
 * @param quoted the limit's name, as a string of structured fields
 * @param salt differs between limits, so that their texts seldom have one place
 */
export type StateText = (quoted: string, salt: number, remaining: number, seconds: number) => string

interface Texts { names: string[], texts: string[], remainings: Float64Array, times: Float64Array }

export function stateTexts (): StateText {
  // Most apps have no limits, or do not show them.
  let known: Texts | undefined
  return (quoted, salt, remaining, seconds) => {
    const { names, texts, remainings, times } = known ??= room()
    const at = (remaining ^ Math.imul(seconds + salt * 31, 0x9e3779b1) >>> 16) & (TEXTS - 1)
    if (remainings[at] === remaining && times[at] === seconds && names[at] === quoted) return texts[at]!
    const text = `${quoted};r=${remaining};t=${seconds}`
    names[at] = quoted
    texts[at] = text
    remainings[at] = remaining
    times[at] = seconds
    return text
  }
}

function room (): Texts {
  return { names: new Array<string>(TEXTS).fill(''), texts: new Array<string>(TEXTS).fill(''), remainings: new Float64Array(TEXTS), times: new Float64Array(TEXTS) }
}
