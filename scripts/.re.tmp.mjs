import { readFileSync, readdirSync } from 'node:fs'
import ts from 'typescript'
import { checkSync } from 'recheck'
const t0 = Date.now()
let n = 0, bad = 0
for (const f of readdirSync('/work/main/lib/detect')) {
  const src = ts.createSourceFile(f, readFileSync('/work/main/lib/detect/' + f, 'utf8'), 99, true)
  const visit = (node) => {
    if (node.kind === ts.SyntaxKind.RegularExpressionLiteral) {
      n++
      const at = node.text.lastIndexOf('/')
      const t = Date.now()
      let r
      try { r = checkSync(node.text.slice(1, at), node.text.slice(at + 1), { timeout: 3000 }) } catch (e) { r = { status: String(e).slice(0, 80) } }
      if (r.status !== 'safe') { bad++; console.log(f, src.getLineAndCharacterOfPosition(node.getStart()).line + 1, r.status, r.complexity?.summary ?? r.error?.kind, Date.now() - t, node.text.slice(0, 110), String(r.attack?.pattern).slice(0, 200), r.hotspot?.map(h=>node.text.slice(1+h.start,1+h.end)).join(' ~ ').slice(0,150)) }
    }
    ts.forEachChild(node, visit)
  }
  visit(src)
}
console.log(n, bad, Date.now() - t0)
