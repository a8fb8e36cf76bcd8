import { percent } from './decode.ts'
import { K } from './keywords.ts'
import { brief, isProgram, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('nosql', {
  name: [1, 5, 'an operator in the name of a parameter', 'user[$ne]=1 (as name)', 'user[name]=1 (as name)'],
  key: [1, 5, 'an operator as a name in JSON, with a value that widens the query', '{"user":{"$ne":null}}', '{"price":{"$gt":10}}'],
  where: [1, 5, 'an operator that runs JavaScript', '{"$where":"sleep(1000)"}', '{"where":"here"}'],
  text: [1, 5, 'an operator in a text', '{$gt: ""}', 'costs $gt'],
  script: [1, 5, "a condition in MongoDB's JavaScript", "'; return true; var x='", 'it will return true'],
  shell: [1, 5, "a command of a database's shell", 'db.users.find()', 'db.users is full']
})

export function mayBeOperator (look: Look): boolean {
  return ((look.words & K.OPERATOR) !== 0 && (look.chars & (C.DOLLAR | C.QUOTE | C.PIPE | C.SEMI | C.DOT)) !== 0) || (look.pairs & P.BRACKET_DOLLAR) !== 0 ||
    ((look.words & K.OPERATOR) !== 0 && (look.chars & (C.PAREN | C.DQUOTE)) !== 0 && look.count < 30 && (look.text.includes('MATCH') || look.text.includes('EVAL')))
}

const WIDENS = /^\$(?:ne|nin|regex|exists|not|nor|where|expr|function|accumulator|elemMatch|text|options|type|mod|jsonSchema|size|comment|or|and|all|eq|in|gt|gte|lt|lte|lookup|out|merge|unionWith|func|reduce|comment|natural)$/
const COMPARES = /^\$(?:gt|gte|lt|lte|eq|in|and|all|size|type|text|options|comment)$/
const RUNS = /^\$(?:where|function|accumulator|func|reduce)$/
const CREDENTIAL = /^(?:user(?:name|id|_id)?|login|uid|e?mail|pass(?:word|wd)?|pwd|token|key|secret|code|otp|id|_id|reset.*)$/i

/** A name of JSON that begins with `$`: an attack by what it does and by what it is given. */
export function operatorKey (look: Look, key: string, value: unknown, parent: string | number | undefined): boolean {
  if (!WIDENS.test(key)) return false
  begin(look, key)
  if (RUNS.test(key)) sign(look, rule.where, 0, key.length)
  else if (!COMPARES.test(key) || (typeof parent === 'string' && CREDENTIAL.test(parent)) || (/^\$[gl]te?$/.test(key) && isEmpty(value)) || (key === '$text' && typeof value === 'string')) sign(look, rule.key, 0, key.length)
  return look.score >= look.threshold
}

function isEmpty (value: unknown): boolean {
  return value === '' || value === null || value === undefined || value === true || (typeof value === 'object' && Object.keys(value as object).length === 0)
}

/** `user[$ne]`: brackets around an operator in a parameter's name. */
export function operatorInName (look: Look, name: string, value: string): boolean {
  // Encoded twice: `q%5B%24ne%5D` after one decoding.
  if (name.includes('%24')) return operatorInName(look, percent(name), value)
  const at = name.indexOf('$')
  if (at < 0) return false
  const found = /(?:^|[[.])\s*(\$\w+)\s*(?:\]|$|\[|\.)/.exec(name)
  if (found === null || !WIDENS.test(found[1]!)) return false
  // Filters of an application: `price[$gt]=10`.
  if (/^\$[gl]te?$/.test(found[1]!) && /^[\d.:T+-]+$/.test(value) && !CREDENTIAL.test(name.slice(0, found.index))) return false
  begin(look, name)
  sign(look, rule.name, at, name.length)
  return look.score >= look.threshold
}

function begin (look: Look, text: string): void {
  look.text = text
  look.score = 0
  if (look.signs.length > 0) look.signs = []
}

const OPERATOR = /^\s*\$(?:ne|nin|exists|where|regex|or|and|not|nor|gte?|lte?|in|eq|elemMatch|expr)\s*$|['"}\]]\s*,\s*\$(?:comment|where|or|and|query|orderby|ne|gte?|lte?|nin|in)\s*:|(?:[{[,]|^)\s*["']?\$(?:(?:gte?|lte?)(?:["']?\s*:(?!\s*-?\d)|\])|(?:ne|n?in|regex|where|exists|or|nor|not|elemMatch|expr|function|accumulator|lookup|func)["']?\s*[:\]])/
const SCRIPT = /['"]\s*\}\s*\]?\s*\}?\s*,\s*\$\w|^[^'"\n]{0,40}['"]\s*(?:\+|\|\||&&)\s*\(?\s*(?:this|obj)\.\w+[^\n]{0,60}['"]\s*$|['"]\s*\|\|\s*Object\.(?:keys|values|entries)\s*\(|['"]\s*;?\s*(?:\|\||&&)?\s*new\s+Date\s*\(\s*\)\s*[.;]|\{!(?:xmlparser|join|func|query|lucene|e?dismax)\b|_(?:query|val)_\s*:\s*["{]|['"]\s*(?:;|\}|\)|\|\||&&|,)*\s*;?\s*(?:return\s*\(?\s*(?:true|1|!|['"]|this)|while\s*\(|sleep\s*\(|var\s+\w+\s*=|db\.\w+|this\.\w+|it=new|function\s*\()|\bthis\.\w+(?:\.\w+)*\s*(?:===?|!==?|\.match\s*\(|\[)|;\s*return\s+(?:true|this|1)\b|\bsleep\(\d+\)\s*;|new\s*\$?mongo|['"]\s*(?:\|\||&&)\s*(?:['"]\w*['"]?|\d+|this)\s*(?:={2,3}|!=)|^\s*(?:\|\||&&)\s*['"\d]\w*['"]?\s*={2,3}|^\s*(?:true|false|1|0)\s*,\s*\$where\s*:|\}\s*,\s*(?:\$|["']?\w+["']?\s*:)[^}]*\{\s*["']?\$/
/** Cypher of Neo4j, scripts of Elasticsearch and Redis. */
const GRAPH = /["'})]\s*(?:\)\s*)?(?:RETURN|WITH|MATCH|OPTIONAL\s+MATCH|DETACH|UNION)\s+\(?\w{1,30}\)?(?:\s+(?:MATCH|RETURN|DELETE|LIMIT|UNION|AS)\b|\s*\/\/|\s*$)|\bMATCH\s*\([^()]{0,80}\)[^;]{0,120}\b(?:DELETE|RETURN|SET|REMOVE)\b|\bLOAD\s+CSV\s+(?:WITH\s+HEADERS\s+)?FROM\s+['"]|\bCALL\s+(?:dbms|db|apoc)\.\w|\bEVAL\s+["'][^"']{1,200}["']\s+\d|\bredis\s*\.\s*p?call\s*\(|"script"\s*:\s*\{?\s*"(?:source|inline|lang)"/
const SHELL = /\bdb\s*\.\s*(?:\w+\.)?(?:find|findOne|insert\w*|update\w*|remove|drop\w*|aggregate|count|getCollection\w*|injection|runCommand|eval|version|stats|adminCommand|addUser|createUser|getUsers|getName|getSiblingDB|currentOp|fsyncLock|shutdownServer|serverStatus|hostInfo|getMongo|loadServerScripts)\b\s*\(?|\bmapReduce\s*\(|\bemit\s*\(\s*\w|tojson\s*\(|tojsononeline\s*\(/

export function nosql (look: Look): void {
  if ((look.place & place.PATH) !== 0) return
  const short = brief(look)
  if ((look.chars & C.DOLLAR) !== 0 && short && (look.place & place.NAME) === 0) signIf(look, rule.text, OPERATOR)
  if (short && look.count < 30 && !isProgram(look)) {
    signIf(look, rule.script, SCRIPT)
    signIf(look, rule.shell, SHELL)
    signIf(look, rule.shell, GRAPH)
  }
}
