/** Remembers texts that were seen lately, each under a label and a kind. */
export interface Recent {
  has: (text: string, label?: string, kind?: number) => boolean
  add: (text: string, label?: string, kind?: number) => void
  /** Forgets all: a text may be a part of a longer one, which stays in memory with it. */
  clear: () => void
}

/** Longer ones are not worth their memory. */
const LONGEST = 1024

/**
 * A table with one place for each fingerprint: the length and four characters. Texts that share a place take turns.
 * Header values are new strings with every request, and a Set hashes all of each to find it: that costs ten times
 * what it costs to compare it with the one text that it can be.
 *
 * @param places a power of 2
 */
export function recent (places: number): Recent {
  const texts: string[] = Array.from({ length: places }, () => '')
  const labels: string[] = Array.from({ length: places }, () => '')
  const kinds = new Int32Array(places)
  /** Places that were filled since all was forgotten; as many are emptied. */
  const filled = new Int32Array(places)
  let count = 0
  const placeOf = (text: string, label: string, kind: number): number => {
    const { length } = text
    const step = length >> 2
    let print = length + label.length + kind
    print = Math.imul(print, 31) + text.charCodeAt(step)
    print = Math.imul(print, 31) + text.charCodeAt(step + step)
    print = Math.imul(print, 31) + text.charCodeAt(step + step + step)
    print = Math.imul(print, 31) + text.charCodeAt(length - 1)
    return (print ^ print >>> 10) & places - 1
  }
  return {
    has (text, label = '', kind = 0) {
      if (text === '' || text.length > LONGEST) return false
      const place = placeOf(text, label, kind)
      return texts[place] === text && kinds[place] === kind && labels[place] === label
    },
    add (text, label = '', kind = 0) {
      if (text === '' || text.length > LONGEST) return
      const place = placeOf(text, label, kind)
      if (texts[place] === '') filled[count++] = place
      texts[place] = text
      labels[place] = label
      kinds[place] = kind
    },
    clear () {
      for (; count > 0; count--) texts[filled[count - 1]!] = labels[filled[count - 1]!] = ''
    }
  }
}
