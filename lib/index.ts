import fp from 'fastify-plugin'
import { guardCluster } from './cluster/primary.ts'
import { detect } from './detect/index.ts'
import { guardTransform } from './openapi.ts'
import { plugin } from './plugin.ts'
import { guardServerOptions } from './server-options.ts'
import { keepTickRecord } from './tick-record.ts'
import type { GuardRules } from '../types/index.ts'

export type * from '../types/index.ts'

/** Gives a route's rules back as they are; TypeScript checks their names, which it does not in a bare `config`. */
export function guard<Rules extends GuardRules> (rules: Rules & { [Key in Exclude<keyof Rules, keyof GuardRules>]: never }): Rules {
  return rules
}

// The sooner the better: a collection that comes before it leaves nothing to keep.
keepTickRecord()

const guardPlugin = Object.assign(fp(plugin, { fastify: '5.x', name: 'fastify-api-guard' }), { guard, detect, guardCluster, guardServerOptions, guardTransform })

// `require()` gets the function itself, with the other exports as its properties.
Object.assign(guardPlugin, { guardPlugin, default: guardPlugin })

export { detect, guardCluster, guardPlugin, guardServerOptions, guardTransform, guardPlugin as 'module.exports' }
export default guardPlugin
