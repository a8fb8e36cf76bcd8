/**
 * What the guard calls of a client of ioredis. Whatever has these methods will do: `Redis`, a `Redis` of Sentinel,
 * `Cluster`, or an object of the application's own.
 */
export interface RedisClient {
  evalsha: (sha: string, keys: number, ...args: string[]) => Promise<unknown>
  eval: (script: string, keys: number, ...args: string[]) => Promise<unknown>
  scan: (cursor: string, match: 'MATCH', pattern: string, count: 'COUNT', number: number) => Promise<[cursor: string, keys: string[]]>
  unlink: (key: string) => Promise<unknown>
  on: (event: 'ready' | 'close' | 'end' | 'error', listener: (error: Error) => void) => unknown
  off?: (event: 'ready' | 'close' | 'end' | 'error', listener: (error: Error) => void) => unknown
  /** `ready` once commands are answered. A client without it is taken to be ready. */
  readonly status?: string
  readonly isCluster?: boolean
  /** Of a cluster: the clients of its masters. */
  nodes?: (role: 'master') => RedisClient[]
  /** Of a cluster: the names of each slot's nodes, its master first. Without them all shards are taken for one. */
  readonly slots?: ReadonlyArray<readonly string[] | undefined>
  /** Of a cluster: asks which node has which slot, e.g. since one does not answer. */
  refreshSlotsCache?: () => void
}

/** Options of ioredis for a connection of the guard's own. */
export interface RedisConnectionOptions {
  host?: string
  port?: number
  path?: string
  username?: string
  password?: string
  db?: number
  [option: string]: unknown
}

/** State in memory, of which bans survive a restart and are shared with processes that use the same file, within seconds. */
export interface FileStoreOptions {
  /** Where bans are kept. Replaced as a whole about a second after a change and at close; only its owner may read it. */
  file: string
}

export interface RedisStoreOptions {
  /** `true`: the application's `fastify.redis`; a URL or options: a connection of the guard's own; or a client, e.g. a `Cluster`. */
  redis: true | string | RedisConnectionOptions | RedisClient
  /** Of every key. Default `guard:`. */
  prefix?: string
  /** `strict`: every request asks Redis; `lease`: nodes take permits ahead. Default `strict`. */
  mode?: 'strict' | 'lease'
  /** Milliseconds that a request waits for Redis at most. Default 50. */
  timeout?: number
  /** Who decides while Redis fails: this node alone, nobody, or all are refused. Default `local`. */
  onError?: 'local' | 'pass' | 'refuse'
}

export interface GuardClusterOptions {
  /** Bound of limits' counters, and of bans. Default 250,000. */
  maxKeys?: number
}

/** State in the primary process, which calls `guardCluster()`. */
export interface ClusterStoreOptions {
  cluster: true
  /** Apps of one process with different prefixes share nothing. Default `guard:`. */
  prefix?: string
  /** Milliseconds that a request waits for the primary at most. Default 50. */
  timeout?: number
  /** Who decides while the primary does not answer: this worker alone, nobody, or all are refused. Default `local`. */
  onError?: 'local' | 'pass' | 'refuse'
}

/** `app.guard.stats().store` */
export interface StoreStats {
  kind: 'memory' | 'redis' | 'cluster'
  mode?: 'strict' | 'lease'
  /** `down`: `onError` decides; of Redis Cluster for the clients of the shards that are down. */
  state: 'up' | 'down'
  /** Why it is or was down; of Redis Cluster with the nodes that are. */
  reason?: string
  /** Milliseconds since the epoch of the last change of `state`. */
  since?: number
  /** Calls to Redis, requests that they judged, and reloads of the script. */
  calls?: number
  operations?: number
  reloads?: number
  /** Calls that failed. */
  failures?: number
  /** Requests that `onError` decided. */
  fallbacks?: number
  /** Requests that a lease paid, and leases held now. */
  leased?: number
  leases?: number
}
