/**
 * The longest text that whatever matches an expression has in it, in the expression's own case; `''` if none can be
 * named for sure. It decides whether the expression is asked at all, so anything unusual gives `''`.
 *
 * @param source of an expression without the flags `u`, `v` and `x`
 */
export function longestLiteral (source: string): string {
  let longest = ''
  let run = ''
  const end = (): void => {
    if (run.length > longest.length) longest = run
    run = ''
  }
  for (let i = 0; i < source.length; i++) {
    const character = source[i]!
    if (character === '\\') {
      const next = source[++i] ?? ''
      if (!/\w/.test(next)) run += next
      else if (/[dswbDSWB]/.test(next)) end()
      // Numbers of characters, references to groups and the like.
      else return ''
    } else if (character === '[' || character === '(') {
      end()
      i = character === '[' ? classEnd(source, i) : groupEnd(source, i)
    } else if (character === '|') {
      return ''
    } else if (character === '*' || character === '?' || character === '{') {
      run = run.slice(0, -1)
      end()
      if (character === '{') i = Math.max(i, source.indexOf('}', i))
    } else if ('+^$.'.includes(character)) {
      end()
    } else {
      run += character
    }
  }
  end()
  return longest
}

function classEnd (source: string, start: number): number {
  let i = start + 1
  for (; i < source.length && source[i] !== ']'; i++) if (source[i] === '\\') i++
  return i
}

function groupEnd (source: string, start: number): number {
  let depth = 0
  for (let i = start; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === '[') i = classEnd(source, i)
    else if (source[i] === '(') depth++
    else if (source[i] === ')' && --depth === 0) return i
  }
  return source.length
}
