/**
 * Domains of the host names that a bot's addresses have, by the start of its name. Only domains whose names are given
 * to nobody else: customers of Google have names below googleusercontent.com. Google's other hosts below google.com fetch
 * what people ask them for, with the agents of these people (`google-proxy-*`, as of its translator). As the operators'
 * pages have them, 2026-11. `*` stands for anything.
 */
const DOMAINS: ReadonlyArray<[RegExp, readonly string[]]> = [
  [/^(?:googlebot|google-inspectiontool|googleother|storebot-google|apis-google|adsbot-google|mediapartners)/, ['googlebot.com', 'rate-limited-proxy-*.google.com']],
  [/^(?:bingbot|bingpreview|msnbot|adidxbot|microsoftpreview)/, ['search.msn.com']],
  [/^applebot/, ['applebot.apple.com']],
  [/^yandex/, ['yandex.ru', 'yandex.net', 'yandex.com']],
  [/^baiduspider/, ['crawl.baidu.com', 'crawl.baidu.jp']],
  [/^yahoo-slurp/, ['crawl.yahoo.net']],
  [/^petalbot/, ['petalsearch.com']],
  [/^seznambot/, ['seznam.cz']],
  [/^amazonbot/, ['crawl.amazonbot.amazon']],
  [/^naver-yeti/, ['naver.com']],
  [/^sogou/, ['sogou.com']],
  [/^coccoc/, ['coccoc.com']],
  [/^mojeekbot/, ['mojeek.com']],
  [/^qwant/, ['qwant.com']],
  [/^ccbot/, ['crawl.commoncrawl.org']]
]

/** The domains of a bot's hosts; `undefined`: its operator has named none. */
export function domainsOf (name: string): readonly string[] | undefined {
  return DOMAINS.find(([names]) => names.test(name))?.[1]
}

/** Whether a host is one of a domain. */
export function isIn (host: string, domain: string): boolean {
  const [start, end] = domain.split('*')
  return end === undefined ? host.endsWith(`.${domain}`) : host.startsWith(start!) && host.endsWith(end)
}
