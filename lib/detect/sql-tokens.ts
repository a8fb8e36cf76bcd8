import { codeAt } from './code-at.ts'
import { hashOf } from './keywords.ts'
import { CALLS, isKnownCall, wordSet } from './sql-words.ts'

/** Kinds of SQL tokens. Quotes are tokens of their own: whether one opens or closes depends on a context that we do not know. */
export const T = {
  END: 0, QUOTE: 1, DQUOTE: 2, TICK: 3, NUMBER: 4, WORD: 5, LOGIC: 6, NOT: 7, COMPARE: 8, ARITH: 9, LEFT: 10, RIGHT: 11, COMMA: 12, SEMI: 13,
  COMMENT: 14, SELECT: 15, UNION: 16, FROM: 17, WHERE: 18, STATEMENT: 19, BY: 20, ORDER: 21, INTO: 22, CASE: 23, CALL: 24, META: 25, VARIABLE: 26,
  DOT: 27, CAST: 28, CONSTANT: 29, CLAUSE: 30, OTHER: 31, MODIFIER: 32, CONCAT: 33, CODE: 34
} as const

const WORD_KINDS = new Map<string, number>()
const kinds = (kind: number, words: string): void => { for (const word of words.split(' ')) WORD_KINDS.set(word, kind) }
kinds(T.LOGIC, 'or and xor')
kinds(T.NOT, 'not')
kinds(T.COMPARE, 'like rlike regexp glob in between is sounds similar ilike match soundex notnull overlaps')
kinds(T.ARITH, 'div mod collate')
kinds(T.SELECT, 'select')
kinds(T.UNION, 'union intersect except minus')
kinds(T.FROM, 'from')
kinds(T.WHERE, 'where')
kinds(T.STATEMENT, 'insert update delete drop alter create truncate exec execute declare waitfor merge grant revoke shutdown call set rename load replace backup handler begin goto kill prepare restore copy desc describe show attach bulk pragma')
kinds(T.BY, 'by')
kinds(T.ORDER, 'order group')
kinds(T.INTO, 'into')
kinds(T.CASE, 'case when then else')
kinds(T.CONSTANT, 'null true false current_user session_user system_user current_date current_timestamp sysdate')
kinds(T.CLAUSE, 'having limit procedure offset returning join inner outer cross left right natural using as asc fetch')
kinds(T.MODIFIER, 'all distinct distinctrow binary any some exists top')
for (const word of wordSet('information_schema sysobjects syscolumns sysusers sysdatabases xp_cmdshell xp_dirtree xp_regread xp_fileexist xp_subdirs sp_executesql sp_password sp_oacreate ' +
  'sp_configure sp_makewebtask pg_catalog pg_user pg_shadow pg_read_file pg_ls_dir pg_database pg_tables sqlite_master sqlite_schema all_tables user_tables all_tab_columns user_tab_columns ' +
  'all_users dba_users msysaccessobjects msysobjects systables sysibm syscat utl_http utl_inaddr utl_smtp dbms_pipe dbms_lock dbms_ldap dbms_java dbms_xmlgen dbms_utility dbms_scheduler ctxsys ' +
  'ordsys outfile dumpfile lo_import lo_export lo_get lo_put')) WORD_KINDS.set(word, T.META)

/** Whether a word may have a kind or be a function, by its hash: nearly all words of prose have neither, and are not cut out. */
const MAYBE_BITS = 16384
const maybe = new Uint8Array(MAYBE_BITS)
for (const word of [...WORD_KINDS.keys(), ...CALLS]) maybe[hashOf(word) & (MAYBE_BITS - 1)] = 1

/** Tokens of one text, in arrays that are used again for the next. */
export interface Tokens {
  count: number
  kind: Uint8Array
  start: Int32Array
  end: Int32Array
  /** Pairs of plain words in a row: prose. */
  prose: number
  quotes: number
  dquotes: number
}

const tokens: Tokens = { count: 0, kind: new Uint8Array(1024), start: new Int32Array(1024), end: new Int32Array(1024), prose: 0, quotes: 0, dquotes: 0 }

function grow (): void {
  const size = tokens.kind.length * 2
  const kind = new Uint8Array(size)
  const start = new Int32Array(size)
  const end = new Int32Array(size)
  kind.set(tokens.kind)
  start.set(tokens.start)
  end.set(tokens.end)
  tokens.kind = kind
  tokens.start = start
  tokens.end = end
}

function add (kind: number, start: number, end: number): void {
  // Room for the end marks as well, so that looking ahead needs no test of bounds.
  if (tokens.count + 16 >= tokens.kind.length) grow()
  tokens.kind[tokens.count] = kind
  tokens.start[tokens.count] = start
  tokens.end[tokens.count] = end
  tokens.count++
}

/** The tokens of a text; valid until the next call. One pass: comments are the only tokens of unknown end, and a missing end is remembered. */
export function tokenize (text: string): Tokens {
  tokens.count = 0
  tokens.prose = 0
  tokens.quotes = 0
  tokens.dquotes = 0
  const length = text.length
  let openComments = true
  let at = 0
  let plainBefore = false
  while (at < length) {
    const code = codeAt(text, at)
    let end = at + 1
    let plain = false
    if (code <= 32 || code === 160) {
      at++
      continue
    } else if (isLetter(code)) {
      let hash = code >= 65 && code <= 90 ? code | 32 : code
      let next = 0
      let wide = code
      while (end < length && isLetterOrDigit(next = codeAt(text, end))) {
        wide |= next
        hash = (Math.imul(hash, 31) + (next >= 65 && next <= 90 ? next | 32 : next)) | 0
        end++
      }
      const kind = maybe[hash & (MAYBE_BITS - 1)] === 0 && wide < 128 ? T.WORD : kindOfWord(text, at, end)
      plain = kind === T.WORD
      if (plain && plainBefore) tokens.prose++
      add(kind, at, end)
    } else if (code >= 48 && code <= 57) {
      end = numberEnd(text, at)
      add(T.NUMBER, at, end)
    } else {
      switch (code) {
        case 39: add(T.QUOTE, at, end); tokens.quotes++; break
        case 34: add(T.DQUOTE, at, end); tokens.dquotes++; break
        case 96: add(T.TICK, at, end); break
        case 40: add(T.LEFT, at, end); break
        case 41: add(T.RIGHT, at, end); break
        case 44: add(T.COMMA, at, end); break
        case 59: add(T.SEMI, at, end); break
        case 35: end = lineEnd(text, at); add(T.COMMENT, at, end); break
        case 45:
          if (text.charCodeAt(at + 1) === 45 && !isLetterOrDigit(text.charCodeAt(at + 2))) {
            end = lineEnd(text, at)
            add(T.COMMENT, at, end)
          } else add(T.ARITH, at, end)
          break
        case 47:
          if (text.charCodeAt(at + 1) === 42) {
            const close = openComments ? text.indexOf('*/', at + 2) : -1
            if (close < 0) {
              openComments = false
              add(T.COMMENT, at, at + 2)
              end = at + 2
            } else if (text.charCodeAt(at + 2) === 33) {
              end = at + 3
              while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++
            } else end = close + 2
          } else if (text.charCodeAt(at + 1) === 47) add(T.CODE, at, ++end)
          else add(T.ARITH, at, end)
          break
        case 42:
          if (text.charCodeAt(at + 1) === 47) end++
          else add(T.ARITH, at, end)
          break
        case 43: case 37: case 94: case 126: add(T.ARITH, at, end); break
        case 124:
          if (text.charCodeAt(at + 1) === 124) add(T.CONCAT, at, ++end)
          else add(T.ARITH, at, end)
          break
        case 38:
          if (text.charCodeAt(at + 1) === 38) add(T.LOGIC, at, ++end)
          else add(T.ARITH, at, end)
          break
        case 60: case 61: case 62: case 33:
          while (end < length && end < at + 3 && isCompare(text.charCodeAt(end))) end++
          if (code === 33 && end === at + 1) add(T.NOT, at, end)
          else if (isCodeCompare(text, at, end)) add(T.CODE, at, end)
          else if (code === 33 && text.charCodeAt(at + 1) === 33) add(T.NOT, at, end)
          else add(T.COMPARE, at, end)
          break
        case 64:
          while (text.charCodeAt(end) === 64) end++
          while (end < length && isLetterOrDigit(text.charCodeAt(end))) end++
          add(T.VARIABLE, at, end)
          break
        case 58:
          if (text.charCodeAt(at + 1) === 58) add(T.CAST, at, ++end)
          else add(T.OTHER, at, end)
          break
        case 46: add(T.DOT, at, end); break
        default: add(T.OTHER, at, end)
      }
    }
    plainBefore = plain
    at = end
  }
  for (let i = tokens.count; i < tokens.count + 16; i++) {
    tokens.kind[i] = T.END
    tokens.start[i] = length
    tokens.end[i] = length
  }
  return tokens
}

function kindOfWord (text: string, start: number, end: number): number {
  if (end - start > 24) return T.WORD
  const word = text.slice(start, end).toLowerCase()
  const kind = WORD_KINDS.get(word)
  if (kind !== undefined) return kind === T.CLAUSE && isKnownCall(word) && opensCall(text, end) ? T.CALL : kind
  return isKnownCall(word) && opensCall(text, end) ? T.CALL : T.WORD
}

/** Whether a parenthesis follows, as after the name of a function. */
function opensCall (text: string, at: number): boolean {
  while (text.charCodeAt(at) <= 32) at++
  return text.charCodeAt(at) === 40
}

function isLetter (code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code > 191
}

function isLetterOrDigit (code: number): boolean {
  return isLetter(code) || (code >= 48 && code <= 57) || code === 36
}

function isCompare (code: number): boolean {
  return code === 61 || code === 60 || code === 62 || code === 33
}

/** `==`, `===`, `!==` and `=>`: program code rather than SQL. */
function isCodeCompare (text: string, start: number, end: number): boolean {
  if (end - start < 2) return false
  const first = text.charCodeAt(start)
  const second = text.charCodeAt(start + 1)
  return (first === 61 && (second === 62 || (second === 61 && end - start === 3))) || (first === 33 && second === 61 && end - start === 3 && text.charCodeAt(start + 2) === 61)
}

/** A number with fraction and exponent; letters that follow directly (`1e1union`) are a token of their own only in SQL's way. */
function numberEnd (text: string, at: number): number {
  let end = at + 1
  if ((text.charCodeAt(end) | 32) === 120 && text.charCodeAt(at) === 48) {
    end++
    while (isHex(text.charCodeAt(end))) end++
    return end
  }
  while (isDigitOrDot(text.charCodeAt(end))) end++
  if ((text.charCodeAt(end) | 32) === 101 && isDigitOrDot(text.charCodeAt(end + 1))) {
    end += 2
    while (isDigitOrDot(text.charCodeAt(end))) end++
  } else if ((text.charCodeAt(end) | 32) === 101 && text.charCodeAt(end - 1) === 46) end++
  return end
}

function isDigitOrDot (code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46
}

function isHex (code: number): boolean {
  return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102)
}

function lineEnd (text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}
