import { percent } from './decode.ts'
import { judge, report, type Engine } from './engine.ts'
import * as place from './place.ts'
import { probe } from './probe.ts'
import { C, scan } from './scan.ts'

const QUIET_PATH = C.SPACE | C.SLASH | C.DOT | C.MINUS

/** The path of a request: as a whole, and its segments where they have more than a name in them. */
export function judgePath (engine: Engine, path: string, unmatched: boolean): void {
  const { look } = engine
  if (unmatched && probe(look, path)) report(engine, 'path')
  scan(path, look)
  if ((look.chars & ~QUIET_PATH) === 0 && look.words === 0 && look.pairs === 0 && engine.own.length === 0) return
  if (judge(engine, path, place.PATH, '')) {
    report(engine, 'path')
    return
  }
  if ((look.chars & ~QUIET_PATH) === 0) return
  for (const segment of path.split('/')) {
    if (segment.length > 2 && judge(engine, percent(segment), place.PATH, '')) {
      report(engine, 'path')
      return
    }
  }
}
