import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BotCategory } from '../../types/index.ts'
import { longestLiteral } from './literal.ts'
import type { Pattern } from './matcher.ts'

/** A bot that the data knows. */
export interface BotEntry extends Pattern {
  /** Lower case, e.g. `googlebot`. */
  name: string
  categories: readonly BotCategory[]
}

interface Crawler { pattern: string, tags?: readonly string[] }

/** What crawler-user-agents calls our categories. */
const TAGS: Readonly<Record<string, BotCategory>> = {
  'search-engine': 'search-engine',
  'ai-crawler': 'ai-crawler',
  seo: 'seo',
  monitoring: 'monitor',
  scanner: 'scanner',
  'http-library': 'http-library',
  'browser-automation': 'headless-browser',
  advertising: 'advertising',
  'social-preview': 'social-preview',
  'feed-reader': 'feed-reader',
  archiver: 'archiver',
  academic: 'academic'
}

/** The data has no category for what copies whole sites. */
const SCRAPERS = /^(?:scrapy|httrack|colly|larbin|newspaper|trafilatura|crawl4ai|firecrawlagent|apify.*|img2dataset|phpcrawl|simplecrawler|crawler4j|mechanize|python-opengraph|emailwolf|scrapeherobot|webcopier.*|nutch|grub.*|download-ninja|spider)$/

/** Programs in front of which people sit, and whose agents are those of a browser. */
const PEOPLE = new Set(['Code\\/1\\.', 'Trae\\/', 'Notion\\/', 'Fluid'])

/** Tools that the data does not have, or has under no name of theirs. */
const ADDED: ReadonlyArray<[string, BotCategory]> = [
  ['undici', 'http-library'], ['PostmanRuntime/', 'http-library'], ['insomnia/', 'http-library'], ['Java/', 'http-library'], ['Ruby', 'http-library'],
  ['GuzzleHttp', 'http-library'], ['RestSharp', 'http-library'], ['reqwest', 'http-library'], ['Nuclei', 'scanner'], ['gobuster', 'scanner'], ['feroxbuster', 'scanner'], ['ffuf', 'scanner'],
  ['Fuzz Faster U Fool', 'scanner'], ['commix', 'scanner'], ['dirb', 'scanner'], ['wfuzz', 'scanner'], ['Arachni', 'scanner'], ['w3af', 'scanner'], ['OpenVAS', 'scanner'], ['whatweb', 'scanner'], ['httpx - Open-source project', 'scanner']
]

/** Names that the pattern does not show. */
const NAMES: Readonly<Record<string, string>> = { '(sistrix|SISTRIX) [cC]rawler': 'sistrix', 'yandex\\.com\\/bots': 'yandexbot', 'Y!J': 'yahoo-japan', 'sindresorhus\\/got': 'got', 'AHC\\/': 'async-http-client', Yeti: 'naver-yeti', Slurp: 'yahoo-slurp', '(^| )PTST\\/': 'webpagetest' }

/** Reads the data of crawler-user-agents. Only whoever has a rule for bots pays for it. */
export function readCatalogue (): BotEntry[] {
  // Not by require, which would keep half a megabyte for good.
  const crawlers = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('crawler-user-agents'), 'utf8')) as Crawler[]
  const entries: BotEntry[] = ADDED.map(([text, category]) => ({ name: nameOf(text), categories: [category], literal: text, pattern: undefined }))
  for (const { pattern, tags = [] } of crawlers) {
    if (PEOPLE.has(pattern)) continue
    const name = NAMES[pattern] ?? nameOf(pattern)
    const categories: BotCategory[] = SCRAPERS.test(name) ? ['scraper'] : tags.flatMap((tag) => TAGS[tag] ?? [])
    const literal = longestLiteral(pattern)
    const whole = literal === pattern.replace(/\\([^\w])/g, '$1')
    entries.push({ name, categories: categories.length === 0 ? ['unknown'] : categories, literal, pattern: whole ? undefined : new RegExp(pattern) })
  }
  return entries
}

/** `[cC]laude[bB]ot` and `Googlebot\/` are `claudebot` and `googlebot`. */
function nameOf (pattern: string): string {
  return pattern
    .replace(/\[([a-z])[a-z]\]/gi, '$1')
    .replace(/^\^|\$$|\(\^\| \)/g, '')
    .replace(/\[\\s\\S\]\*.*|\(.*?\)|\\d.*$|\[.*?\]/g, '')
    .split('|')[0]!
    .replaceAll('\\', '')
    .replace(/[/\s(,-]+$/, '')
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/g, '-')
}
