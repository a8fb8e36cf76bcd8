import type { CheckModule } from '../check.ts'
import type { GuardRules } from '../../types/index.ts'
import { apiKey } from './api-key.ts'
import { asn } from './asn.ts'
import { auth } from './auth.ts'
import { ban } from './ban.ts'
import { behavior } from './behavior.ts'
import { concurrency } from './concurrency.ts'
import { cloud } from './cloud.ts'
import { contentType } from './content-type.ts'
import { country } from './country.ts'
import { bots } from './bots.ts'
import { check } from './custom.ts'
import { detection } from './detection.ts'
import { emergency } from './emergency.ts'
import { fetchMetadata } from './fetch-metadata.ts'
import { honeypot } from './honeypot.ts'
import { hosts } from './hosts.ts'
import { https } from './https.ts'
import { ip } from './ip.ts'
import { methods } from './methods.ts'
import { rateLimit } from './rate-limit.ts'
import { referrer } from './referrer.ts'
import { requireHeaders } from './require-headers.ts'
import { timeWindow } from './time-window.ts'
import { userAgent } from './user-agent.ts'

type AnyModule = { [Key in keyof GuardRules]-?: CheckModule<Key> }[keyof GuardRules]

/** Every check, in the order in which a request meets them; what waits for authentication or the body keeps this order there. */
export const checks: readonly AnyModule[] = [
  emergency,
  ban,
  ip,
  country,
  asn,
  cloud,
  https,
  hosts,
  methods,
  userAgent,
  bots,
  rateLimit,
  concurrency,
  timeWindow,
  requireHeaders,
  referrer,
  fetchMetadata,
  contentType,
  honeypot,
  detection,
  apiKey,
  auth,
  check,
  behavior
]
