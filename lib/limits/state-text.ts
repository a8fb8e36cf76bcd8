/** Texts remembered; a power of 2. */
const TEXTS = 1024

/**
 * What `RateLimit` says of one limit. Making a text of new numbers costs more than all the rest of a decision, and
 * clients that come as often have the same numbers left: the latest texts are remembered, each at the one place
 * that its numbers lead to.
 *
 * @param quoted the limit's name, as a string of structured fields
 */
export function stateText (quoted: string): (remaining: number, seconds: number) => string {
  const texts: string[] = new Array<string>(TEXTS).fill('')
  const remainings = new Float64Array(TEXTS).fill(-1)
  const times = new Float64Array(TEXTS)
  return (remaining, seconds) => {
    const at = (remaining ^ Math.imul(seconds, 0x9e3779b1) >>> 16) & (TEXTS - 1)
    if (remainings[at] === remaining && times[at] === seconds) return texts[at]!
    remainings[at] = remaining
    times[at] = seconds
    const text = `${quoted};r=${remaining};t=${seconds}`
    texts[at] = text
    return text
  }
}
