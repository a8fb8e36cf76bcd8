import { createRequire } from 'node:module'

/** The part of @datadog/native-appsec that is used; it is CommonJS. */
interface Native {
  DDWAF: new (rules: object, path: string) => {
    createContext: () => { run: (payload: { persistent: object }, timeoutMicros: number) => { timeout: boolean, events?: object[] }, dispose: () => void }
  }
}

const INPUTS = ['server.request.query', 'server.request.body', 'server.request.uri.raw', 'server.request.headers.no_cookies', 'server.request.cookies'].map((address) => ({ address }))

/**
 * Datadog's native WAF (libddwaf with libinjection), which dd-trace runs in process. The package brings no rules and
 * dd-trace's recommended ones are not part of it, so these are our own in its format: fewer than those, which only makes it faster.
 * Of each text it looks at the first 4096 characters, of each list at 256 entries: above that its time says nothing.
 */
const EXPRESSIONS: Readonly<Record<string, readonly [category: string, source: string]>> = {
  traversal: ['lfi', '(?:^|[\\\\/])\\.\\.[\\\\/]'],
  system: ['lfi', '/(?:etc/(?:passwd|shadow|group|hosts)|proc/self/|var/log/)'],
  windows: ['lfi', '(?:win\\.ini|boot\\.ini|system32[\\\\/])'],
  chain: ['command_injection', '[;|&`]\\s*(?:cat|ls|id|whoami|wget|curl|nc|bash|sh|ping|uname|ifconfig|python|perl)\\b'],
  substitution: ['command_injection', '\\$\\([^)]{1,80}\\)|`[^`]{1,80}`'],
  network: ['command_injection', '/dev/(?:tcp|udp)/|\\b(?:nc|ncat)\\s+-[elv]'],
  code: ['code_injection', '<\\?php|\\b(?:eval|assert|system|passthru|shell_exec|base64_decode)\\s*\\('],
  node: ['js_code_injection', 'child_process|process\\.mainModule|require\\s*\\(\\s*.(?:fs|os|vm|net)\\b'],
  java: ['java_code_injection', 'java\\.lang\\.(?:Runtime|ProcessBuilder)|getRuntime\\s*\\('],
  jndi: ['java_code_injection', '\\$\\{[^}]{0,40}(?:jndi|lower|upper|env|sys)\\b'],
  template: ['ssti', '\\{\\{[^}]{0,80}[*+_(][^}]{0,80}\\}\\}|<%=?[^%]{0,80}%>'],
  metadata: ['ssrf', '169\\.254\\.169\\.254|metadata\\.google\\.internal'],
  scheme: ['ssrf', '\\b(?:gopher|dict|file|php|phar|expect)://'],
  entity: ['xxe', '<!(?:DOCTYPE|ENTITY)[^>]{0,80}(?:SYSTEM|PUBLIC|\\[)'],
  operator: ['nosql_injection', '^\\$(?:eq|ne|[lg]te?|n?in|not|n?or|and|regex|where|expr|exists)$'],
  prototype: ['prototype_pollution', '__proto__|constructor\\.prototype'],
  ldap: ['ldap_injection', '\\*\\)\\s*\\(|\\)\\s*\\([|&!]'],
  crlf: ['http_protocol_violation', '[\\r\\n]\\s*(?:set-cookie|location|content-(?:type|length))\\s*:'],
  handler: ['xss', '\\bon(?:error|load|click|focus|mouse\\w{2,8})\\s*='],
  scheme_script: ['xss', '(?:java|vb)script:|data:text/html']
}

function rule (id: string, type: string, operator: string, parameters: object): object {
  return { id, name: id, tags: { type, category: 'attack_attempt' }, conditions: [{ operator, parameters: { inputs: INPUTS, ...parameters } }], transformers: [] }
}

export interface NativeWaf {
  request: (url: string, headers: Readonly<Record<string, string>>) => boolean
  body: (body: unknown) => boolean
}

/** One context per request, as dd-trace does. */
export function nativeWaf (): NativeWaf {
  const { DDWAF } = createRequire(import.meta.url)('@datadog/native-appsec') as Native
  const rules = [
    rule('libinjection-sqli', 'sql_injection', 'is_sqli', {}), rule('libinjection-xss', 'xss', 'is_xss', {}),
    ...Object.entries(EXPRESSIONS).map(([id, [type, regex]]) => rule(id, type, 'match_regex', { regex, options: { case_sensitive: false, min_length: 3 } }))
  ]
  const waf = new DDWAF({ version: '2.2', metadata: { rules_version: '1.0.0' }, rules }, 'benchmark')
  const run = (persistent: object): boolean => {
    const context = waf.createContext()
    const { events } = context.run({ persistent }, 10_000_000)
    context.dispose()
    return events !== undefined
  }
  return {
    request: (url, { cookie = '', ...headers }) => run({
      'server.request.uri.raw': url,
      'server.request.query': Object.fromEntries(new URLSearchParams(url.slice(url.indexOf('?') + 1))),
      'server.request.headers.no_cookies': headers,
      'server.request.cookies': Object.fromEntries(cookie.split('; ').map((pair) => pair.split('=', 2)))
    }),
    body: (body) => run({ 'server.request.body': body as object })
  }
}
