import { K } from './keywords.ts'
import { brief, sign, signIf, type Look } from './look.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('deserialization', {
  java: [1, 5, 'a serialized object of Java', 'rO0ABXNyABFqYXZhLnV0aWw=', 'rO0 ABC'],
  php: [1, 5, 'a serialized object of PHP', 'O:8:"stdClass":0:{}', 'O: 8 "x"'],
  dotnet: [1, 5, 'a serialized object of .NET', 'AAEAAAD/////AQAAAAAAAAA', 'AAEAAA'],
  python: [1, 5, 'a pickle of Python', "cos\nsystem\n(S'id'\ntR.", 'cos x'],
  ruby: [1, 5, 'a marshalled object of Ruby', 'BAhvOkBBY3RpdmVTdXBwb3J0', 'BAh'],
  node: [1, 5, 'a function for node-serialize', '_$$ND_FUNC$$_function(){}()', '$$func'],
  yaml: [1, 5, 'a YAML tag that makes an object', '!!python/object/apply:os.system ["id"]', '!important'],
  type: [1, 5, 'JSON that names a class to make', '{"@type":"com.sun.rowset.JdbcRowSetImpl"}', '{"@type":"Person"}']
})

export function mayBeSerialized (look: Look): boolean {
  if (look.longest > 8 && ((look.chars & (C.DOLLAR | C.SLASH)) !== 0 || look.longest > 5)) {
    const first = look.text.charCodeAt(0)
    if (first === 114 || first === 65 || first === 66 || first === 75 || first === 72 || first === 103 || first === 67 || first === 97 || first === 47 || first === 4 || first === 128) return true
  }
  if ((look.chars & C.AT) !== 0 && (look.chars & C.DQUOTE) !== 0 && (look.chars & C.COLON) !== 0) return true
  if ((look.words & K.SERIAL) !== 0 && (look.chars & C.LT) !== 0) return true
  if ((look.chars & C.DQUOTE) !== 0 && ((look.words & K.JAVA) !== 0 || /^\s*\[\s*"/.test(look.text))) return true
  if ((look.words & K.SERIAL) !== 0 && (look.chars & (C.COLON | C.BANG | C.BRACE | C.LINE | C.DOLLAR)) !== 0) return true
  return (look.pairs & P.DOLLAR_WORD) !== 0 || (look.chars & C.CONTROL) !== 0
}

export function deserialization (look: Look): void {
  signIf(look, rule.java, /(?:^|[^A-Za-z0-9+/])(?:rO0AB[A-Za-z0-9]|KztAAU|Cs7QAF|aced0005|ACED0005)|\u00ac\u00ed\u0000\u0005|^rO0AB|<(?:\w+:)?serializable\b[^>]{0,200}>\s*rO0/)
  // A compressed one: the expression would read the rest of the text for every start of such a stream.
  const zipped = look.text.indexOf('H4sIAAAAAAAA')
  if (zipped >= 0 && look.text.indexOf('rO0', zipped) > 0) sign(look, rule.java, zipped, zipped + 16)
  signIf(look, rule.dotnet, /(?:^|[^A-Za-z0-9+/])(?:AAEAAAD\/\/\/\/\/|\/wEyAAEAAAD\/|\/wEy[A-Za-z0-9+/]{0,8}AAQAAAP\/\/\/\/8)/)
  signIf(look, rule.node, /\$\$ND_(?:FUNC|CC)\$\$/)
  if ((look.chars & C.COLON) !== 0) {
    signIf(look, rule.php, /(?:^|[;{"'=\s|])(?:[OC]:\+?\d+:\\?"[\w\\]+\\?":\+?\d+:\{|a:\d+:\{[is]:\d+[;:])/)
    if ((look.chars & C.BANG) !== 0) signIf(look, rule.yaml, /(?:^|[\s:[{(,-])!!?(?:python\/(?:object|name|module)|ruby\/(?:object|hash|struct)|javax?\.|com\.sun|org\.|js\/(?:function|undefined|regexp)|perl\/|php\/object|java\.)|!<tag:yaml\.org,2002:(?:js|python|ruby|java|php)\//)
    signIf(look, rule.type, /["'](?:@type|\$type|@class|_class|\$class|__type|class)["']\s*:\s*["'](?:com\.sun\.|java\.|javax\.|org\.(?:apache|springframework|codehaus|hibernate|mozilla|h2)|ch\.qos\.|System\.(?:Windows|Diagnostics|Configuration|IO|Management|Activities|Security|Data|Web)|Microsoft\.|net\.sf\.|oracle\.|br\.com\.|\[{0,3}L{1,4}(?:com|java|javax|org)\.|com\.(?:mchange|caucho|alibaba|ibatis|zaxxer))/)
    signIf(look, rule.type, /["'](?:json_class|\^[oOc]|\^u)["']\s*:\s*["'[]\s*["']?(?:[A-Z]\w*::\w|Object["']|Kernel|ERB)|["']py\/(?:object(?:\/\w+)?|reduce|function|type|ref)["']\s*:|["']class["']\s*:\s*["'](?:javax?|com\.sun|org\.apache|org\.springframework)\./)
    signIf(look, rule.node, /"rce"\s*:\s*"|"(?:\$\$?|__js_)[a-z]+"\s*:\s*"function\s*\(/i)
  }
  // Jackson's and Xstream's way: a class, then what it is made of.
  if ((look.chars & C.BRACKET) !== 0) signIf(look, rule.type, /^\s*\[\s*"(?:javax?|com\.sun|com\.zaxxer|com\.mchange|ch\.qos|org\.(?:apache|springframework|hibernate|codehaus))\.[\w.$]+"\s*,\s*[[{]/)
  if ((look.chars & C.LINE) !== 0) signIf(look, rule.python, /\(S'[^'\n]{1,200}'\n(?:p\d+\n)?i(?:os|posix|nt|subprocess|__builtin__|builtins)\n\w+\n/)
  if ((look.chars & C.LINE) !== 0) signIf(look, rule.python, !brief(look) ? /(?:^|[\n\s(])c(?:os|posix|nt|subprocess|__builtin__|builtins|commands|sys|copy_reg|copyreg)\r?\n\w+\r?\n\(/ : /(?:^|[\n\s(])c(?:os|posix|nt|subprocess|__builtin__|builtins|commands|sys|copy_reg|copyreg)\r?\n\w+\r?\n/)
  if ((look.chars & C.LT) !== 0) signIf(look, rule.type, /<(?:java|object|void|string|array)\s+(?:version=["'][\d.]+["']\s+)?class\s*=\s*["'](?:java|javax|com\.sun|org)\.|<(?:\w+:)?(?:[\w.]+\.)?ObjectDataProvider\b|\sserialization\s*=\s*['"](?:custom|unserializable-parents)['"]|<org\.(?:hibernate|springframework|codehaus)\.[\w.]+[\s/>]|xmlns:\w+\s*=\s*['"]http:\/\/schemas\.microsoft\.com\/clr\/|<void\s+(?:method|property)\s*=\s*['"]|<dynamic-proxy\b|<jdk\.nashorn\b|<(?:java|javax|com\.sun|sun|org\.apache)\.[\w.]+[\s/>]|ExpandedWrapper/)
  signIf(look, rule.python, /^(?:gAS[UVW]|gAJ|gAN|KGRwMA|KGxwM|Y19f|Y29z|Y3Bvc|gASV|KFMn)[A-Za-z0-9+/_-]{8,}=*$|\u0080[\u0002-\u0005](?:\u0095|c)/)
  signIf(look, rule.ruby, /^BAh[a-zA-Z0-9+/][A-Za-z0-9+/]{8,}(?:=|--|$)|^\u0004\u0008[o{[]/)
}
