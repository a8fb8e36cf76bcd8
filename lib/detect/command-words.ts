import { SHELL_SURE_WORDS, SHELL_WORDS } from './keywords.ts'
import { isDigit, isWord } from './look.ts'
import { wordSet } from './sql-words.ts'

const SURE = wordSet(SHELL_SURE_WORDS)
const PLAIN = wordSet(SHELL_WORDS)
/** Tools whose parts are named with a hyphen: `apt-get`, `docker-compose`. */
export const SUITES = wordSet('ansible chef docker apt aa rmt systemd ssh dpkg rpm mysql pg openssl grub kubectl update sqlite3 run init')

/** The word that `read` has read, and how many marks fell away; valid until the next call. */
export const last = { word: '', tricks: 0 }

/** Reads the command word at `at` as a shell would: quotes, backslashes, empty substitutions and variables fall away. Returns its end; the word is in `last`. */
export function read (text: string, at: number): number {
  last.word = ''
  last.tricks = 0
  let i = at
  while (i < text.length && last.word.length < 40) {
    const code = text.charCodeAt(i)
    if (isWord(code) || code === 46 || code === 47 || code === 63 || code === 42 || code === 91 || code === 93 || code === 45 || code === 43) {
      if (code === 45 && last.word === '') break
      last.word += text[i]!
      i++
    } else if (code === 39 || code === 34 || code === 92) {
      if (last.word !== '' || code === 92) last.tricks++
      else if (i === at) last.tricks++
      i++
    } else if (code === 94) {
      last.tricks++
      i++
    } else if (code === 36) {
      const next = text.charCodeAt(i + 1)
      if (next === 64 || next === 42 || next === 33 || next === 63 || next === 36 || isDigit(next)) i += 2
      else if (next === 123 || next === 40) {
        const close = next === 123 ? 125 : 41
        let end = i + 2
        while (end < i + 30 && end < text.length && text.charCodeAt(end) !== close) end++
        if (text.charCodeAt(end) !== close) break
        if (/^\$\{?IFS/.test(text.slice(i, i + 6))) break
        i = end + 1
      } else if (next === 39 || next === 34) i++
      else if (isWord(next) && last.word !== '') {
        if (text.startsWith('$IFS', i)) break
        i++
        while (isWord(text.charCodeAt(i)) && i < at + 60) i++
      } else break
      last.tricks++
    } else if (code === 96 && text.charCodeAt(i + 1) === 96) {
      i += 2
      last.tricks++
    } else break
  }
  return i
}

function isLetters (word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const lower = word.charCodeAt(i) | 32
    if (lower < 97 || lower > 122) return false
  }
  return true
}

/** What a command word is: 0 none, 1 also an English word, 2 surely a command. */
export function rank (word: string): number {
  if (isLetters(word)) {
    const lower = word.toLowerCase()
    return SURE.has(lower) ? 2 : PLAIN.has(lower) ? 1 : 0
  }
  const slash = word.lastIndexOf('/')
  const name = (slash < 0 ? word : word.slice(slash + 1)).toLowerCase().replace(/\.(?:exe|com|bat)$/, '').replace(/[.\d-]+$/, '')
  const full = slash < 0 ? word.toLowerCase() : word.slice(slash + 1).toLowerCase()
  if (SURE.has(name) || SURE.has(full)) return 2
  const hyphen = name.indexOf('-')
  if (hyphen > 0 && (SUITES.has(name.slice(0, hyphen)) || SURE.has(name.slice(0, hyphen))) && /^[a-z]/.test(name.slice(hyphen + 1))) return 2
  if (/\w\.(?:exe|bat|cmd|ps1|vbs)$/.test(full)) return 2
  if (slash >= 0 && /^\/?(?:usr\/(?:local\/)?)?s?bin\//.test(word)) return 2
  if (PLAIN.has(name) || PLAIN.has(full)) return slash >= 0 ? 2 : 1
  // Globs that can only mean a binary: `/???/c?t`, `/bin/ca?`, `adduse[r]`.
  if (/[?*[]/.test(word) && /^\/[\w?*[\]]+\/[\w?*[\]/]+$/.test(word)) return 2
  return 0
}
