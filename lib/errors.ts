import createError from '@fastify/error'

/** Options are wrong: all problems in one message, each with its path. Thrown while the server starts. */
export const GUARD_OPTION_INVALID = createError('GUARD_OPTION_INVALID', '%s', 500, TypeError)

/** The guard is registered twice in one scope. */
export const GUARD_ALREADY_REGISTERED = createError('GUARD_ALREADY_REGISTERED', 'guard: already registered in this scope', 500)

/** The instance has another decorator of that name. */
export const GUARD_DECORATOR_TAKEN = createError('GUARD_DECORATOR_TAKEN', 'guard: the %s has a decorator "%s" already%s', 500)

/** `app.guard.ready()` found no Redis. */
export const GUARD_STORE_DOWN = createError('GUARD_STORE_DOWN', 'guard: Redis does not answer: %s', 503)

/** A warning at start, with `strict: true`. */
export const GUARD_NOT_COVERED = createError('GUARD_NOT_COVERED', '%s', 500)
