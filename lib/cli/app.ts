import type { FastifyInstance } from 'fastify'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { guardOf, type Guard } from '../guard.ts'
import { UsageError, type Io } from './command.ts'
import type { GuardApi } from '../../types/index.ts'

export interface LoadedApp { app: FastifyInstance, guard: Guard, api: GuardApi }

/**
 * Loads what `--app FILE` names and readies it: a module whose default export is a Fastify instance or a function,
 * sync or async, that returns one. The caller closes it.
 *
 * @throws {UsageError} if there is no such thing in the file, or no guard is registered on it
 */
export async function loadApp (file: string | undefined, io: Io): Promise<LoadedApp> {
  if (file === undefined) throw new UsageError('--app FILE is needed: a module whose default export is a Fastify instance or a function that returns one')
  const path = resolve(io.cwd, file)
  if (!existsSync(path)) throw new UsageError(`--app ${file}: there is no such file`)
  const app = await started(path, file)
  const guard = guardOf(app)
  if (guard === undefined) throw new UsageError(`--app ${file}: the guard is not registered on it: a guard of a child scope sees nothing outside that; await app.register(guardPlugin) on the instance itself`)
  const api = (app as unknown as Record<string, GuardApi>)[guard.options.decorator ?? 'guard']!
  return { app, guard, api }
}

async function started (path: string, file: string): Promise<FastifyInstance> {
  try {
    const app = await exported(path, file)
    await app.ready()
    return app
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--app ${file}: it does not start: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
  }
}

async function exported (path: string, file: string): Promise<FastifyInstance> {
  const module = await import(pathToFileURL(path).href) as { default?: unknown }
  // What require() would give of a CommonJS module that was compiled from ESM stands one level deeper.
  const value = isModule(module.default) ? module.default.default : module.default
  const app: unknown = typeof value === 'function' ? await (value as () => unknown)() : value
  if (typeof (app as FastifyInstance | undefined)?.inject === 'function') return app as FastifyInstance
  throw new UsageError(`--app ${file}: its default export is neither a Fastify instance nor a function that returns one`)
}

function isModule (value: unknown): value is { default: unknown } {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value
}
