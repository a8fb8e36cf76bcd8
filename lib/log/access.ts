import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Visit } from '../check.ts'
import type { Guard } from '../guard.ts'
import { pathOf, printable } from '../report.ts'
import { openLogFile, type LogFile } from './file.ts'
import { jsonLine, textLine, type Entry } from './line.ts'
import { redactor, type Redact } from './redact.ts'
import type { GuardOptions, Verdict } from '../../types/index.ts'

/** The access log: a line for each request, in a file of its own. */
export interface AccessLog {
  refused: (request: FastifyRequest, visit: Visit, verdict: Verdict) => void
  passed: (request: FastifyRequest, reply: FastifyReply, visit: Visit) => void
  close: () => Promise<void>
}

/** @throws {GUARD_OPTION_INVALID} if the file cannot be opened */
export async function openAccessLog (options: GuardOptions['log'], log: FastifyBaseLogger, now: () => number): Promise<AccessLog | undefined> {
  if (options?.file === undefined) return undefined
  const file = await openLogFile(typeof options.file === 'string' ? { path: options.file } : options.file, log)
  return accessLog(options, file, now)
}

function accessLog (options: NonNullable<GuardOptions['log']>, file: LogFile, now: () => number): AccessLog {
  const line = options.format === 'text' ? textLine : jsonLine
  const redact = redactor(options.redact)
  const { refused = 'warn', passed = 'info' } = options
  return {
    refused (request, visit, { check, rule, status, reference }) {
      if (refused === false) return
      file.write(line({ ...common(request, visit, redact, now), level: refused, outcome: 'refused', by: byOf(check, rule), status, reference }))
    },
    passed (request, reply, visit) {
      if (passed === false) return
      const would = visit.verdicts.find(({ action }) => action === 'report')
      const by = would === undefined ? visit.trusted ? 'trusted' : undefined : `not ${byOf(would.check, would.rule)}`
      file.write(line({ ...common(request, visit, redact, now), level: passed, outcome: 'passed', status: reply.statusCode, ...(by !== undefined && { by }) }))
    },
    close: file.close
  }
}

function common (request: FastifyRequest, { client }: Visit, redact: Redact, now: () => number): Pick<Entry, 'time' | 'client' | 'method' | 'url' | 'agent'> {
  const agent = request.headers['user-agent']
  return { time: now(), client: client.ip, method: printable(request.method), url: redact(request.raw.url), agent: printable(agent ?? '') }
}

function byOf (check: string, rule: string | undefined): string {
  return rule === undefined || rule.startsWith(check) ? rule ?? check : `${check} ${rule}`
}

/** A request whose answer has gone, and which was not refused: in the application's log, the events and the access log. */
export function tellPassed (guard: Guard, request: FastifyRequest, reply: FastifyReply, visit: Visit): void {
  guard.access?.passed(request, reply, visit)
  const level = guard.options.log?.passed ?? false
  if (level === false) return
  const { route, client: { ip } } = visit
  const path = pathOf(request.raw.url)
  const { method } = request
  const status = reply.statusCode
  guard.emit({ type: 'passed', time: guard.services.now(), ip, method, ...(route !== undefined && { route }), path, reqId: request.id, status })
  request.log[level]({ event: 'guard.passed', client: ip, method, route, path, status }, 'guard: request passed')
}
