/**
 * The contract between the library and whatever keeps the sessions: the `SessionStore` service, `make`, which derives
 * the whole service from six primitives, the memory layer, and `migrating`, for a change from one store to another.
 *
 * A store moves records. It knows nothing about tokens, cookies, HTTP or what a payload contains.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SessionStoreError } from "./internal/errors/errors.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import type * as Contract from "./internal/store/contract.js"
import type { Overrides, Primitives, Service } from "./internal/store/contract.js"
import { make as makeService } from "./internal/store/make.js"
import { makeMemory } from "./internal/store/memory/store.js"
import { copyAll, makeMigrating } from "./internal/store/migrating/store.js"
import * as Revocations from "./internal/store/revocations.js"
import { SessionStore } from "./internal/store/tag.js"

export type {
  /**
   * The last retired id of a session, as its record keeps it.
   *
   * @since 0.1.0
   * @category models
   */
  PreviousId,
  /**
   * What a listing tells about a session: the record without its payload.
   *
   * @since 0.1.0
   * @category models
   */
  SessionEntry,
  /**
   * Which sessions a listing is about.
   *
   * @since 0.1.0
   * @category models
   */
  SessionFilter,
  /**
   * A stored session: what a store keeps for each.
   *
   * @since 0.1.0
   * @category models
   */
  SessionRecord
} from "./core/record/record.js"
export {
  /**
   * The store could not do what was asked: for the operator. Unhandled it answers 503.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionStoreError
} from "./internal/errors/errors.js"

export type {
  /**
   * The figures of one hour, which begins at `startMillis`.
   *
   * @since 0.1.0
   * @category models
   */
  HourFigures,
  /**
   * Tells which sessions a figure is about: live ones, and those that are over and still kept (`keepEnded`, or not yet collected). What is left out does not restrict.
   *
   * @since 0.1.0
   * @category models
   */
  KeptFilter,
  /**
   * A filter of one namespace.
   *
   * @since 0.1.0
   * @category models
   */
  NamespaceFilter,
  /**
   * What a store may do better than `make` derives it. Each has the meaning of the service's method of that name.
   *
   * @since 0.1.0
   * @category models
   */
  Overrides,
  /**
   * What a store must be able to do. Each primitive is atomic on its own and reads the time from Effect's `Clock`.
   *
   * @since 0.1.0
   * @category models
   */
  Primitives,
  /**
   * The whole service: the six primitives and what is derived from them.
   *
   * @since 0.1.0
   * @category models
   */
  Service,
  /**
   * The sums over a set of sessions.
   *
   * @since 0.1.0
   * @category models
   */
  UsageFigures,
  /**
   * The addresses a user was seen from, each once, in no particular order.
   *
   * @since 0.1.0
   * @category models
   */
  UserAddresses
} from "./internal/store/contract.js"
export {
  /**
   * The service that keeps the sessions.
   *
   * @since 0.1.0
   * @category tags
   */
  SessionStore
} from "./internal/store/tag.js"

/**
 * An instant of this process by two clocks. Only for telling a login that was in flight when a user was revoked.
 *
 * @since 0.1.0
 * @category models
 */
export type LocalInstant = Contract.LocalInstant

/**
 * Reads the clocks of this process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const LocalInstant: { readonly now: () => LocalInstant } = { now: Revocations.localNow }

/**
 * Makes the whole service from the six primitives; what the store can do better it passes beside them.
 *
 * `keepEnded` must be the time the store's `remove` honours (default 0): `collect` needs it to tell what is due.
 * The marks of a derived `revokeUser` are records of the store itself (namespace `effect-session/revocations`, no user,
 * ids that no token leads to, gone after one to four days). `make` sees to it that they are in no listing, no figure and
 * no `removeWhere`.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { SessionStore } from "effect-session"
 *
 * declare const primitives: SessionStore.Primitives
 *
 * export const layer = Layer.sync(SessionStore.SessionStore, () => SessionStore.make(primitives))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  primitives: Primitives & Overrides,
  options?: { readonly keepEnded?: Duration.DurationInput | undefined }
) => Service = makeService

/**
 * Provides a store in this process's memory, with settings. Each build of the layer has sessions of its own.
 *
 * - `maxSessions` (at least 1, default unlimited) bounds the sessions that are held, ended ones included. Where an insert
 *   would exceed it, what is over is collected first (looked for at most once a second); if that is not enough, kept
 *   ended sessions go, and then the least recently active live session is evicted: its user is logged out.
 * - `keepEnded` (default 0) is how long a session that ended is kept, without its payload.
 *
 * Dies with `SessionConfigError` when `maxSessions` is not a positive integer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemoryWith = (options: {
  readonly maxSessions?: number | undefined
  readonly keepEnded?: Duration.DurationInput | undefined
}): Layer.Layer<SessionStore> =>
  Layer.effect(
    SessionStore,
    Effect.suspend(() => {
      const { maxSessions, keepEnded = 0 } = options
      if (maxSessions !== undefined && !(Number.isSafeInteger(maxSessions) && maxSessions > 0)) {
        const reason = "must be a positive integer."
        return Effect.die(new SessionConfigError({ field: "maxSessions", reason }))
      }
      return Effect.succeed(make(makeMemory(Duration.toMillis(keepEnded), maxSessions), options))
    })
  )

/**
 * Provides a store in this process's memory: for tests, for development, and for one process that may forget its sessions
 * when it stops. Unlimited: see `layerMemoryWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<SessionStore> = layerMemoryWith({})

/**
 * A change of driver that is going on: what `migrating` provides beside the store.
 *
 * @since 0.1.0
 * @category tags
 */
export class Migration extends Context.Tag("effect-session/SessionStore/Migration")<
  Migration,
  {
    readonly copy: Effect.Effect<number, SessionStoreError>
    readonly copyProgress: Effect.Effect<CopyProgress, SessionStoreError>
  }
>() {}

/**
 * How far a change of driver is: the live sessions that still lie in `from`, and how many this process has copied since
 * the layer was built. The change is over when none is left.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyProgress {
  readonly left: number
  readonly copied: number
}

/**
 * Provides a store that moves sessions from one store to another while servers use it, so that a change of driver logs
 * nobody out. A session is copied when it is first asked for, all others by `copy`.
 *
 * - Reads look into `to`, then into `from`; writes go to `to`. A session that ends, ends in both: nothing comes back.
 * - Any number of servers may copy at once, and each may stop at any moment: a session is neither lost nor doubled, its
 *   last id (a quarantine, an alias) goes with it, and its data are those that were written last.
 * - Listings and figures see both stores and each session once. What ended before stays where it was kept.
 * - While a session is being copied, `removeWhere` and `revokeUser` may count it twice. A session that `to` still keeps as
 *   ended (`keepEnded`) is over, so on the way back to a store that was left within that time, its sessions are logged out.
 *
 * Switch all servers together. A server that still runs on `from` alone does not see the sessions that were copied: to it
 * their users are logged out. What it writes to the others is copied, or refused where the copy was faster; what it destroys
 * or revokes is over on all servers. When `copyProgress` says that none is left, switch all servers to `to`; until then none
 * may run on `to` alone.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Effect, Layer } from "effect"
 * import { FileSystemSessionStore, SessionStore } from "effect-session"
 *
 * const store = SessionStore.migrating({
 *   from: FileSystemSessionStore.layer({ directory: "./old" }),
 *   to: FileSystemSessionStore.layer({ directory: "./new" })
 * })
 *
 * // Copies in the background what nobody asks for.
 * const copying = Layer.scopedDiscard(Effect.forkScoped(SessionStore.copy))
 *
 * export const layer = copying.pipe(Layer.provideMerge(store), Layer.provide(NodeContext.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const migrating = <E, R, E2, R2>(options: {
  readonly from: Layer.Layer<SessionStore, E, R>
  readonly to: Layer.Layer<SessionStore, E2, R2>
}): Layer.Layer<SessionStore | Migration, E | E2, R | R2> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      // Built apart: both provide the one tag, and one layer given twice must not become one store.
      const from = Context.get(yield* Layer.build(options.from), SessionStore)
      const to = Context.get(yield* Layer.build(options.to), SessionStore)
      const stores = { from, to, copied: 0 }
      const left = Effect.map(from.count({}), ({ sessions }) => sessions)
      return Context.make(SessionStore, make(makeMigrating(stores))).pipe(
        Context.add(Migration, {
          copy: copyAll(stores),
          copyProgress: Effect.map(left, (left) => ({ left, copied: stores.copied }))
        })
      )
    })
  )

/**
 * Copies all sessions that are still in `from`; succeeds with how many there were. It may be interrupted and run again,
 * and run on several servers at once. A session that cannot be read stays where it is, with a warning.
 *
 * Dies with `SessionConfigError` when `from` and `to` are one and the same store.
 *
 * @since 0.1.0
 * @category accessors
 */
export const copy: Effect.Effect<number, SessionStoreError, Migration> = Effect.flatMap(
  Migration,
  (migration) => migration.copy
)

/**
 * Tells how far the change of driver is.
 *
 * @since 0.1.0
 * @category accessors
 */
export const copyProgress: Effect.Effect<CopyProgress, SessionStoreError, Migration> =
  Effect.flatMap(Migration, (migration) => migration.copyProgress)
