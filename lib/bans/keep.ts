/** Keeps bans elsewhere too: in Redis, in a file, or in the primary of a cluster. */
export interface BanKeeper {
  /** Resolves once what is kept is here, or after 2 s. Rejects only where it never can be. */
  started: () => Promise<void>
  close: () => Promise<void>
  stats: () => Record<string, number>
}
