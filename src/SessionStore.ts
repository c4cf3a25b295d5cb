/**
 * Where sessions are kept: the `SessionStore` service, `make`, which builds it from the six primitives of a store, the
 * store in memory, `copy`, which copies all sessions to another store, and `migrating`, which moves those of a running app.
 *
 * A store keeps records. It knows nothing about tokens, cookies, HTTP or the content of a payload.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { settingMillis } from "./internal/errors/durations.js"
import type { SessionStoreError } from "./internal/errors/errors.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import type * as Contract from "./internal/store/contract.js"
import type { CopyReport, Overrides, Primitives, Service } from "./internal/store/contract.js"
import { closeLast } from "./internal/store/inFlight.js"
import { make as makeService } from "./internal/store/make.js"
import { makeMemoryStore } from "./internal/store/memory/store.js"
import { copyAll, moveAll } from "./internal/store/migrating/copyAll.js"
import { makeMigrating } from "./internal/store/migrating/store.js"
import * as Revocations from "./internal/store/revocations.js"
import { SessionStore } from "./internal/store/tag.js"

export type {
  /**
   * The id that a session had before its id changed last.
   *
   * @since 0.1.0
   * @category models
   */
  PreviousId,
  /**
   * A session as a listing shows it: the record without its payload.
   *
   * @since 0.1.0
   * @category models
   */
  SessionEntry,
  /**
   * Which sessions a call is about.
   *
   * @since 0.1.0
   * @category models
   */
  SessionFilter,
  /**
   * What a store keeps for each session.
   *
   * @since 0.1.0
   * @category models
   */
  SessionRecord
} from "./core/record/record.js"
export {
  /**
   * The store could not answer. Unhandled in a request, it answers 503.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionStoreError
} from "./internal/errors/errors.js"
export type {
  /**
   * How far a copy is.
   *
   * @since 0.1.0
   * @category models
   */
  CopyReport,
  /**
   * One page of a listing.
   *
   * @since 0.1.0
   * @category models
   */
  EntryPage,
  /**
   * The figures of one hour.
   *
   * @since 0.1.0
   * @category models
   */
  HourFigures,
  /**
   * Which sessions a figure is about.
   *
   * @since 0.1.0
   * @category models
   */
  KeptFilter,
  /**
   * A filter with one namespace.
   *
   * @since 0.1.0
   * @category models
   */
  NamespaceFilter,
  /**
   * The calls that a store may do better than `make` derives them.
   *
   * @since 0.1.0
   * @category models
   */
  Overrides,
  /**
   * The six calls that a store must provide.
   *
   * @since 0.1.0
   * @category models
   */
  Primitives,
  /**
   * All calls of a store: the six primitives, and what is derived from them or overridden.
   *
   * @since 0.1.0
   * @category models
   */
  Service,
  /**
   * All figures of a namespace.
   *
   * @since 0.1.0
   * @category models
   */
  StoreFigures,
  /**
   * The sums over a set of sessions.
   *
   * @since 0.1.0
   * @category models
   */
  UsageFigures,
  /**
   * The addresses that a user was seen from.
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
 * An instant of this process by two clocks, for `revokedWithin`.
 *
 * @since 0.1.0
 * @category models
 */
export type LocalInstant = Contract.LocalInstant

/**
 * Reads both clocks of this process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const LocalInstant: { readonly now: () => LocalInstant } = { now: Revocations.localNow }

/**
 * Makes the whole service from the six primitives of a store. Overrides, the calls that the store can do better than they
 * are derived, stand beside the primitives.
 *
 * `keepEnded` (default 0) is how long the store's `remove` keeps a session that ended: the derived `collect` needs to
 * know it.
 *
 * A derived `revokeUser` leaves a mark, so that a login in flight is refused. Marks are records of the store, in the
 * namespace `effect-session/revocations`, without a user. They expire after one to three days. No listing, figure or
 * removal of the service shows them.
 *
 * Test your store with `SessionStoreTest.suite`.
 *
 * @example
 * ```ts
 * import { Clock, Effect, Layer, Option, Stream } from "effect"
 * import { SessionStore } from "effect-session"
 *
 * type SessionRecord = SessionStore.SessionRecord
 *
 * // A store over a map, which keeps no ended sessions. Each call does its work in one synchronous step, so it is atomic.
 * const atNow = <A>(step: (now: number) => A) => Effect.map(Clock.currentTimeMillis, step)
 *
 * const isLive = ({ expiresAtMillis }: Pick<SessionRecord, "expiresAtMillis">, now: number) =>
 *   expiresAtMillis > now
 *
 * const entryOf = ({ payload, previous, version, ...rest }: SessionRecord): SessionStore.SessionEntry => ({
 *   ...rest,
 *   previousId: previous?.id ?? null,
 *   payloadBytes: new TextEncoder().encode(payload).length
 * })
 *
 * const isListed = (
 *   filter: SessionStore.SessionFilter,
 *   entry: SessionStore.SessionEntry,
 *   now: number
 * ) => {
 *   const { namespace, userId, activeSinceMillis = 0, state = "live" } = filter
 *   return (
 *     (namespace === undefined || entry.namespace === namespace) &&
 *     (userId === undefined || entry.userId === userId) &&
 *     entry.lastActivityMillis >= activeSinceMillis &&
 *     (state === "all" || isLive(entry, now) === (state === "live"))
 *   )
 * }
 *
 * const makePrimitives = (): SessionStore.Primitives => {
 *   const records = new Map<string, SessionRecord>()
 *   const lookUp = (id: string) =>
 *     records.get(id) ?? [...records.values()].find(({ previous }) => previous?.id === id)
 *   const hasLive = (id: string, version: number, now: number) => {
 *     const record = records.get(id)
 *     return record !== undefined && record.version === version && isLive(record, now)
 *   }
 *   return {
 *     find: (id) =>
 *       atNow((now) => {
 *         const record = lookUp(id)
 *         if (record === undefined || !isLive(record, now)) return Option.none()
 *         const isFound = record.id === id || (record.previous?.untilMillis ?? 0) > now
 *         return isFound ? Option.some(record) : Option.none()
 *       }),
 *     insert: (record) =>
 *       Effect.sync(() => {
 *         if (records.has(record.id)) return false
 *         records.set(record.id, record)
 *         return true
 *       }),
 *     update: (record, expectedVersion) =>
 *       atNow((now) => {
 *         if (!hasLive(record.id, expectedVersion, now)) return false
 *         records.set(record.id, record)
 *         return true
 *       }),
 *     move: (fromId, record, expectedVersion) =>
 *       atNow((now) => {
 *         if (!hasLive(fromId, expectedVersion, now) || records.has(record.id)) return false
 *         records.delete(fromId)
 *         records.set(record.id, record)
 *         return true
 *       }),
 *     remove: (id) =>
 *       atNow((now) => {
 *         const record = lookUp(id)
 *         if (record === undefined) return Option.none()
 *         records.delete(record.id)
 *         return isLive(record, now) ? Option.some(entryOf(record)) : Option.none()
 *       }),
 *     entries: (filter) =>
 *       Stream.unwrap(
 *         atNow((now) => {
 *           const entries = [...records.values()].map(entryOf)
 *           return Stream.fromIterable(entries.filter((entry) => isListed(filter, entry, now)))
 *         })
 *       )
 *   }
 * }
 *
 * export const layer = Layer.sync(SessionStore.SessionStore, () =>
 *   SessionStore.make(makePrimitives())
 * )
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
 * Makes a store as `make` does, for a layer that closes something: a connection, a pool.
 *
 * When the scope closes, the store first waits for the requests in flight, for 10 seconds at most. So acquire what it closes
 * in the same scope, before this. Then every request that has begun is stored, in whatever order an app provides its layers.
 *
 * @example
 * ```ts
 * import { Effect, Layer, type Scope } from "effect"
 * import { SessionStore } from "effect-session"
 *
 * export const layerOf = (connect: Effect.Effect<SessionStore.Primitives, never, Scope.Scope>) =>
 *   Layer.scoped(
 *     SessionStore.SessionStore,
 *     Effect.flatMap(connect, (primitives) => SessionStore.makeScoped(primitives))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeScoped = (
  primitives: Primitives & Overrides,
  options?: { readonly keepEnded?: Duration.DurationInput | undefined }
): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.suspend(() => closeLast(makeService(primitives, options)))

/**
 * Provides a store in the memory of this process, with settings. Each call makes a layer with sessions of its own. As Effect
 * does with every layer, an app builds it once, so it is one store wherever the app provides it.
 *
 * - `maxSessions` (at least 1, default unlimited) bounds the sessions in memory, also those that ended and are kept. When
 *   the store is full, an insert first collects what is over, at most once a second. If that is not enough it deletes
 *   sessions that ended, then live ones, the least recently active first: their users are logged out.
 * - `keepEnded` (default 0) is how long a session that ended is kept, without its payload.
 *
 * Dies with `SessionConfigError` when `maxSessions` is not a positive integer, or `keepEnded` not a duration.
 *
 * @example
 * ```ts
 * import { SessionStore } from "effect-session"
 *
 * export const layer = SessionStore.layerMemoryWith({ maxSessions: 100_000, keepEnded: "7 days" })
 * ```
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
      return Effect.succeed(makeMemoryStore(settingMillis("keepEnded", keepEnded), maxSessions))
    })
  )

/**
 * Provides a store in the memory of this process: for tests, for development, and for an app of one process that may
 * forget its sessions when it stops. The number of sessions is not limited; `layerMemoryWith` can limit it. Provided in
 * several places of an app, it is one store.
 *
 * @example
 * ```ts
 * import { HttpServer, HttpServerResponse } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import { Session, SessionMiddleware, SessionStore } from "effect-session"
 *
 * const app = Effect.flatMap(Session.increment("visits"), (visits) => HttpServerResponse.json(visits))
 *
 * export const server = HttpServer.serve(SessionMiddleware.middleware(app)).pipe(
 *   Layer.provide(SessionStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<SessionStore> = layerMemoryWith({})

/**
 * Copies all live sessions of a store to another store, and nobody is logged out: `from` keeps every session.
 *
 * **Options.**
 *
 * - `move`: takes each session out of `from` as soon as it is in `to`. A server that uses `from` alone then treats its user
 *   as logged out. Default false.
 * - `dryRun`: only counts the sessions, as `total`. It opens `from` and changes nothing. Default false.
 * - `onProgress`: is run with the report at the beginning, five times a second, and at the end, also of an interruption.
 *
 * **While servers use `from`.** A session that changes during the copy is copied again, and one that ends during the copy
 * ends in `to`, too. What happens in `from` after the copy stays there. So copy once while the servers run, stop them, copy
 * again, which is quick, and start them with `to`. A session that ended in `from` between two copies lives on in `to` until
 * it expires. To change the store without a stop, use `migrating`.
 *
 * **While servers use `to`.** Where both stores have a session, the higher version stays. A session that ended in `to` is
 * not revived while `to` keeps it (`keepEnded`).
 *
 * It may be interrupted and run again: what is in `to` already is only compared. Sessions that have ended are not copied,
 * and one that cannot be read is not either, with a warning.
 *
 * Dies with `SessionConfigError` when `from` and `to` are the same store.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Console, Effect } from "effect"
 * import { FileSystemSessionStore, SessionStore } from "effect-session"
 *
 * export const backup = SessionStore.copy({
 *   from: FileSystemSessionStore.layer({ directory: "./sessions" }),
 *   to: FileSystemSessionStore.layer({ directory: "./backup" }),
 *   onProgress: ({ done, total }) => Console.log(`${done} of ${total}`)
 * }).pipe(Effect.provide(NodeContext.layer))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const copy = <E, R, E2, R2>(options: {
  readonly from: Layer.Layer<SessionStore, E, R>
  readonly to: Layer.Layer<SessionStore, E2, R2>
  readonly move?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((report: CopyReport) => Effect.Effect<void>) | undefined
}): Effect.Effect<CopyReport, SessionStoreError | E | E2, R | R2> =>
  Effect.scopedWith((scope) =>
    Effect.gen(function* () {
      const from = yield* storeOf(options.from, scope)
      if (options.dryRun === true) {
        const { sessions } = yield* from.count({})
        return { total: sessions, done: 0, copied: 0, unreadable: 0 }
      }
      const to = yield* storeOf(options.to, scope)
      return yield* options.move === true
        ? moveAll({ from, to, copied: 0 }, options.onProgress)
        : copyAll(from, to, options.onProgress)
    })
  )

// Each is built by itself: both provide the same tag, and one layer given twice must not become one store.
const storeOf = <E, R>(layer: Layer.Layer<SessionStore, E, R>, scope: Scope.Scope) =>
  Effect.map(Layer.buildWithScope(layer, scope), Context.get(SessionStore))

/**
 * The service that `migrating` provides beside the store; `drain` and `copyProgress` use it.
 *
 * @since 0.1.0
 * @category tags
 */
export class Migration extends Context.Tag("effect-session/SessionStore/Migration")<
  Migration,
  {
    readonly drain: Effect.Effect<number, SessionStoreError>
    readonly copyProgress: Effect.Effect<CopyProgress, SessionStoreError>
  }
>() {}

/**
 * How far a migration is.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyProgress {
  /** How many live sessions are still in `from`. The migration is over when none is left. */
  readonly left: number
  /** How many sessions this process has copied since the layer was built. */
  readonly copied: number
}

/**
 * Provides a store that moves the sessions of a running app from one store to another, and logs nobody out.
 *
 * - A read looks in `to`, then in `from`. What it finds in `from` is moved to `to` on the way; `drain` moves the rest.
 * - A write goes to `to`. A session that ends is ended in both stores, so it does not come back.
 * - Several servers may copy at once, and each may stop at any moment. A session is neither lost nor doubled. It keeps the
 *   last data that were written, and its previous id.
 * - Listings and figures cover both stores and count a session once. Sessions that ended earlier stay where they are.
 * - While a session is being copied, `removeWhere` and `revokeUser` may count it twice.
 *
 * To migrate, switch all servers to this store at the same time. When `copyProgress` says that none is left, switch them
 * to `to`. A server that still uses `from` alone finds no session that was copied, so it treats those users as logged out.
 * What it ends is ended on all servers; what it writes is copied, or refused when the copy came first. A server that uses
 * `to` alone finds no session that is not copied yet.
 *
 * Migrating back within `keepEnded` logs users out: the old store still remembers their sessions as ended, and an ended
 * session is never revived.
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
 * // Moves in the background the sessions that no request asks for.
 * const draining = Layer.scopedDiscard(Effect.forkScoped(SessionStore.drain))
 *
 * export const layer = draining.pipe(Layer.provideMerge(store), Layer.provide(NodeContext.layer))
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
      const scope = yield* Effect.scope
      const from = yield* storeOf(options.from, scope)
      const to = yield* storeOf(options.to, scope)
      const stores = { from, to, copied: 0 }
      const left = Effect.map(from.count({}), ({ sessions }) => sessions)
      const store = yield* makeScoped(makeMigrating(stores))
      return Context.make(SessionStore, store).pipe(
        Context.add(Migration, {
          drain: Effect.map(moveAll(stores), ({ copied }) => copied),
          copyProgress: Effect.map(left, (left) => ({ left, copied: stores.copied }))
        })
      )
    })
  )

/**
 * Moves all sessions that are still in `from`, and gives how many there were. It may be interrupted and run again, and
 * several servers may run it at once. A session that cannot be read stays in `from`, with a warning.
 *
 * Dies with `SessionConfigError` when `from` and `to` are the same store.
 *
 * @since 0.1.0
 * @category accessors
 */
export const drain: Effect.Effect<number, SessionStoreError, Migration> = Effect.flatMap(
  Migration,
  (migration) => migration.drain
)

/**
 * Tells how far the migration is.
 *
 * @since 0.1.0
 * @category accessors
 */
export const copyProgress: Effect.Effect<CopyProgress, SessionStoreError, Migration> =
  Effect.flatMap(Migration, (migration) => migration.copyProgress)
