/**
 * The store that keeps sessions in Redis or Valkey: one server, a server with Sentinels, or a cluster. Any number of apps may
 * share it.
 *
 * This module is not exported from `effect-session`, only from `effect-session/RedisSessionStore`. It needs the package
 * `redis`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { SessionConfigError, SessionStoreError } from "./internal/errors/errors.js"
import { open } from "./internal/redis/open.js"
import type { Options } from "./internal/redis/options.js"
import { closeLast } from "./internal/store/inFlight.js"
import type { Service } from "./SessionStore.js"
import { SessionStore } from "./SessionStore.js"

export type {
  /**
   * Who connects, and how.
   *
   * @since 0.1.0
   * @category models
   */
  Credentials
} from "./internal/redis/model.js"
export type {
  /**
   * How the store reaches its server: by a URL, by an address, through Sentinels, as a cluster, or through a client of the
   * app's own.
   *
   * @since 0.1.0
   * @category models
   */
  Connection,
  /**
   * The address of a node.
   *
   * @since 0.1.0
   * @category models
   */
  Node,
  /**
   * The settings of the Redis store.
   *
   * @since 0.1.0
   * @category models
   */
  Options,
  /**
   * Sends one command of Redis through a client of the app's own. `args` begins with the name of the command; `key` tells a
   * client of a cluster which node it is for. The answer is what the server says: texts, whole numbers, `null` and lists of
   * them.
   *
   * @since 0.1.0
   * @category models
   */
  Send
} from "./internal/redis/options.js"

/**
 * Opens the store in a scope. Closing it closes the connection, but not a client of the app's own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Service, SessionStoreError | SessionConfigError, Scope.Scope> =>
  Effect.flatMap(open(options), closeLast)

/**
 * Provides a `SessionStore` that keeps sessions in Redis 6.2 or newer, or in Valkey.
 *
 * **Calls.** Each call of a request is one script, so one atomic step; those of concurrent requests go out together. A call
 * takes at most two seconds, then it fails with the reason `timeout`. Listings, collections and removals of many sessions go by
 * pages, with 30 seconds for each.
 *
 * **Expiry.** Effect's `Clock` decides whether a session is live. The server deletes it when it has expired, or ended
 * `keepEnded` ago. `collect` drops what the indexes still say of it, so run `SessionGc` here too.
 *
 * **Connections.** The store has one connection, which comes back by itself, after a failover to the new master. Sessions are never
 * read from a replica. A write whose reply was lost is not sent again.
 *
 * **Durability** is the server's: what `appendfsync` and a failover may lose, and what `maxmemory-policy` deletes, is in
 * [redis.md](../docs/redis.md).
 *
 * Fails with `SessionConfigError` if an option is wrong or the server too old, with `SessionStoreError` if it does not answer or is
 * a replica.
 *
 * @example
 * ```ts
 * import { Redacted } from "effect"
 * import * as RedisSessionStore from "effect-session/RedisSessionStore"
 *
 * export const layer = RedisSessionStore.layer({
 *   url: Redacted.make("rediss://app:secret@redis.example:6379/0"),
 *   keepEnded: "7 days"
 * })
 * ```
 *
 * @example
 * ```ts
 * import * as RedisSessionStore from "effect-session/RedisSessionStore"
 * import { createClient } from "redis"
 *
 * const client = createClient({ RESP: 2, disableOfflineQueue: true })
 *
 * export const layer = RedisSessionStore.layer({ send: (args) => client.sendCommand(args) })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<SessionStore, SessionStoreError | SessionConfigError> =>
  Layer.scoped(SessionStore, make(options))
