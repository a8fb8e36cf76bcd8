/** Remembers texts that were seen lately, each under a label. */
export interface Recent {
  has: (text: string, label?: string) => boolean
  add: (text: string, label?: string) => void
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
  const placeOf = (text: string, label: string): number => {
    const { length } = text
    const step = length >> 2
    let print = length + label.length
    print = Math.imul(print, 31) + text.charCodeAt(step)
    print = Math.imul(print, 31) + text.charCodeAt(step + step)
    print = Math.imul(print, 31) + text.charCodeAt(step + step + step)
    print = Math.imul(print, 31) + text.charCodeAt(length - 1)
    return (print ^ print >>> 10) & places - 1
  }
  return {
    has (text, label = '') {
      if (text === '' || text.length > LONGEST) return false
      const place = placeOf(text, label)
      return texts[place] === text && labels[place] === label
    },
    add (text, label = '') {
      if (text === '' || text.length > LONGEST) return
      const place = placeOf(text, label)
      texts[place] = text
      labels[place] = label
    }
  }
}
