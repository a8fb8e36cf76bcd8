import { aws, azure, geofeed, google, oracle, plain, vultr, type ReadFeed } from './feeds.ts'
import { hint, show } from '../options/shape.ts'
import type { CloudProvider } from '../../types/index.ts'

/** What a provider publishes of its networks. */
export interface Feed {
  urls: readonly string[]
  read: ReadFeed
  /** The URL is a page whose first such link is the feed. */
  link?: RegExp
}

/** A provider's feed or, where it has none, its autonomous systems. */
export type Provider = { feed: Feed } | { asns: readonly number[] }

export const PROVIDERS: Readonly<Record<CloudProvider, Provider>> = {
  aws: { feed: { urls: ['https://ip-ranges.amazonaws.com/ip-ranges.json'], read: aws } },
  // goog.json also has Google's own crawlers, DNS and mail, which are no customers.
  gcp: { feed: { urls: ['https://www.gstatic.com/ipranges/cloud.json'], read: google } },
  // The file is new every week, under a new name.
  azure: { feed: { urls: ['https://www.microsoft.com/en-us/download/details.aspx?id=56519'], read: azure, link: /https:\/\/download\.microsoft\.com\/download\/[\w./-]+\/ServiceTags_Public_\d{8}\.json/ } },
  digitalocean: { feed: { urls: ['https://digitalocean.com/geo/google.csv'], read: geofeed } },
  linode: { feed: { urls: ['https://geoip.linode.com/'], read: geofeed } },
  vultr: { feed: { urls: ['https://geofeed.constant.com/?json'], read: vultr } },
  oracle: { feed: { urls: ['https://docs.oracle.com/en-us/iaas/tools/public_ip_ranges.json'], read: oracle } },
  cloudflare: { feed: { urls: ['https://www.cloudflare.com/ips-v4', 'https://www.cloudflare.com/ips-v6'], read: plain } },
  hetzner: { asns: [24940, 212317, 213230] },
  ovh: { asns: [16276, 35540] },
  alibaba: { asns: [37963, 45102, 134963] }
}

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as CloudProvider[]

/** `aws`, or those networks of it that have a tag: `aws:eu-west-1`, `aws:cloudfront`. */
export interface Selector { provider: CloudProvider, tag: string | undefined, text: string }

/** @returns what is wrong with it, if it is none */
export function selectorOf (text: string): Selector | string {
  const [name = '', ...rest] = text.toLowerCase().split(':')
  const provider = PROVIDER_NAMES.find((known) => known === name)
  if (provider === undefined) return `is no cloud provider: ${show(text)}${hint(name, PROVIDER_NAMES)}; known are ${PROVIDER_NAMES.join(', ')}`
  if (rest.length === 0) return { provider, tag: undefined, text: provider }
  const tag = rest.join(':')
  if (tag === '') return `has nothing after the colon: ${show(text)}`
  if (!('feed' in PROVIDERS[provider])) return `is known by its autonomous systems only, without regions and services: ${show(text)}`
  return { provider, tag, text: `${provider}:${tag}` }
}
