import { percent } from './decode.ts'
import { judge, report, type Engine } from './engine.ts'
import * as place from './place.ts'
import { probe } from './probe.ts'
import { C, P, scan } from './scan.ts'

const QUIET_PATH = C.SPACE | C.SLASH | C.DOT | C.MINUS

/** Letters and digits of base64 that a segment must have to be worth decoding. */
const BASE64 = 16

/** The path of a request: as a whole, and its segments where they have more than a name in them. */
export function judgePath (engine: Engine, path: string, unmatched: boolean): void {
  const { look } = engine
  if (unmatched && probe(look, path)) report(engine, 'path')
  scan(path, look)
  // A word that long may be base64.
  const long = look.longest >= BASE64
  if (!long && (look.chars & ~QUIET_PATH) === 0 && look.words === 0 && (look.pairs & ~P.DOT_WORD) === 0 && engine.own.length === 0) return
  if (judge(engine, path, place.PATH, '')) {
    report(engine, 'path')
    return
  }
  if (!long && (look.chars & ~QUIET_PATH) === 0) return
  for (const segment of path.split('/')) {
    if (segment.length > 2 && judge(engine, percent(segment), place.PATH, '')) {
      report(engine, 'path')
      return
    }
  }
}
