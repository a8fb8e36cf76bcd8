import type { GuardCode } from '../types/index.ts'

/** What the client reads, by code; `response.messages` replaces it. */
export const MESSAGES: Readonly<Record<GuardCode, string>> = {
  GUARD_EMERGENCY: 'Service temporarily unavailable',
  GUARD_BANNED: 'Access denied',
  GUARD_IP_REFUSED: 'Access denied',
  GUARD_IP_INVALID: 'Client address is not readable',
  GUARD_COUNTRY_REFUSED: 'Access denied',
  GUARD_ASN_REFUSED: 'Access denied',
  GUARD_CLOUD_REFUSED: 'Access denied',
  GUARD_HTTPS_REQUIRED: 'HTTPS is required',
  GUARD_HOST_REFUSED: 'Host is not served here',
  GUARD_METHOD_REFUSED: 'Method is not allowed',
  GUARD_USER_AGENT_REFUSED: 'Access denied',
  GUARD_BOT_REFUSED: 'Access denied',
  GUARD_RATE_LIMITED: 'Too many requests',
  GUARD_ATTACK_DETECTED: 'Request was refused',
  GUARD_BODY_TOO_LARGE: 'Request body is too large',
  GUARD_TOO_MANY_IN_FLIGHT: 'Too many requests at once',
  GUARD_HEADER_REQUIRED: 'A required header is missing',
  GUARD_REFERRER_REFUSED: 'Access denied',
  GUARD_CROSS_SITE: 'Requests from other sites are refused',
  GUARD_CONTENT_TYPE: 'Content type is not supported',
  GUARD_TIME_WINDOW: 'Not available at this time',
  GUARD_AUTH_REQUIRED: 'Authentication is required',
  GUARD_API_KEY_REQUIRED: 'An API key is required',
  GUARD_HONEYPOT: 'Access denied',
  GUARD_BEHAVIOR: 'Too many requests',
  GUARD_CUSTOM: 'Request was refused',
  GUARD_BAD_URL: 'URL is malformed',
  GUARD_PARAM_TOO_LONG: 'URL parameter is too long',
  GUARD_BAD_REQUEST: 'Request is malformed',
  GUARD_HEADERS_TOO_LARGE: 'Request headers are too large',
  GUARD_CHECK_FAILED: 'Request could not be checked',
  GUARD_OPTION_INVALID: 'Route is misconfigured'
}

export const CODES = Object.keys(MESSAGES) as GuardCode[]
