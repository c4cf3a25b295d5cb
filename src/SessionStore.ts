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
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { SessionFilter, SessionRecord, SessionSummary } from "./core/record.js"
import * as Derived from "./internal/derivedStore.js"
import type { SessionStoreError } from "./internal/errors.js"
import { SessionConfigError } from "./internal/errors.js"
import * as Figures from "./internal/figures.js"
import { withoutLapsed } from "./internal/lapsed.js"
import { makeMemory } from "./internal/memoryStore.js"
import { copyAll, makeMigrating } from "./internal/migrating.js"
import * as Revocations from "./internal/revocations.js"

export type {
  /**
   * The last retired id of a session, as its record keeps it.
   *
   * @since 0.1.0
   * @category models
   */
  PreviousId,
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
  SessionRecord,
  /**
   * What a listing tells about a session: the record without its payload.
   *
   * @since 0.1.0
   * @category models
   */
  SessionSummary
} from "./core/record.js"
export {
  /**
   * The store could not do what was asked: for the operator. Unhandled it answers 503.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionStoreError
} from "./internal/errors.js"

/**
 * What a store must be able to do. Each primitive is atomic on its own and reads the time from Effect's `Clock`.
 *
 * "Live" means: neither ended nor expired (`expiresAtMillis` greater than now).
 *
 * @since 0.1.0
 * @category models
 */
export interface Primitives {
  /**
   * Finds the live record with this id; on a miss the live record whose `previous.id` it is, as long as
   * `previous.untilMillis` is in the future (of several, which cannot happen, any). The caller tells the two apart by
   * comparing `record.id`. Never returns an expired or ended record. A record that cannot be read fails with `corrupt`.
   */
  readonly find: (id: string) => Effect.Effect<Option.Option<SessionRecord>, SessionStoreError>
  /** Stores a new record. `false` when the id is taken, by an ended or expired record too; nothing is overwritten then. */
  readonly insert: (record: SessionRecord) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Replaces the live record `record.id` if its version is `expectedVersion`. `false` when it is gone, expired, ended or
   * has another version; nothing is written then, and never inserted. `createdAtMillis` is written as given.
   */
  readonly update: (
    record: SessionRecord,
    expectedVersion: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Replaces the live record `fromId` by `record`, whose id differs, if its version is `expectedVersion`. From then on
   * `fromId` finds the record only as `record.previous` says. `false` under the conditions of `update`, or when
   * `record.id` is taken.
   */
  readonly move: (
    fromId: string,
    record: SessionRecord,
    expectedVersion: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Ends the session whose id or previous id this is (the previous id counts without its time limit). With `keepEnded`
   * 0 the record is deleted; otherwise its payload becomes `""`, `previous` becomes `null` and `endedAtMillis` the
   * earlier of now and its expiry, and a record that ended `keepEnded` ago or earlier is deleted. Succeeds with the
   * summary of a live session that this call ended, otherwise (unknown, expired or ended already) with none.
   */
  readonly remove: (id: string) => Effect.Effect<Option.Option<SessionSummary>, SessionStoreError>
  /** Lists summaries in no particular order. A session that is stored throughout is listed exactly once. */
  readonly entries: (filter: SessionFilter) => Stream.Stream<SessionSummary, SessionStoreError>
}

/**
 * What a store may do better than `make` derives it. Each has the meaning of the service's method of that name.
 *
 * Those that take a filter are called with a namespace only, and never with the one in which `make` keeps the marks of
 * `revokeUser`: a call that could see a mark is derived instead. So no override needs to know of them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Overrides
  extends Partial<
    Pick<
      Service,
      "touch" | "collect" | "revokeUser" | "revokedWithin" | "addresses" | "hourly" | "usage"
    >
  > {
  readonly count?: (filter: NamespaceFilter) => ReturnType<Service["count"]>
  readonly removeWhere?: (
    filter: NamespaceFilter,
    options?: { readonly except?: string | undefined }
  ) => ReturnType<Service["removeWhere"]>
}

/**
 * A filter of one namespace.
 *
 * @since 0.1.0
 * @category models
 */
export interface NamespaceFilter extends SessionFilter {
  readonly namespace: string
}

/**
 * Tells which sessions a figure is about: live ones, and those that are over and still kept (`keepEnded`, or not yet
 * collected). What is left out does not restrict.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptFilter extends Omit<NamespaceFilter, "state"> {}

/**
 * The addresses a user was seen from, each once, in no particular order.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserAddresses {
  readonly userId: string
  readonly addresses: ReadonlyArray<string>
  /** How many sessions they were seen with. */
  readonly sessions: number
}

/**
 * The figures of one hour, which begins at `startMillis`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HourFigures {
  readonly startMillis: number
  readonly sessions: number
  readonly users: number
}

/**
 * The sums over a set of sessions.
 *
 * @since 0.1.0
 * @category models
 */
export interface UsageFigures {
  /** Sessions that are live. */
  readonly live: number
  /** Sessions that ended or expired and are still kept. */
  readonly over: number
  /** Length of all payloads together, in bytes of UTF-8; those of sessions that are over too, where they still have one. */
  readonly payloadBytes: number
  /** The time from creation to last activity of all sessions together, live or over. */
  readonly activeMillis: number
}

/**
 * The whole service: the six primitives and what is derived from them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Primitives {
  /**
   * Finds as the primitive does. When the clock of this process goes back, a session that had expired by then is not found
   * again, unless it was used since.
   */
  readonly find: Primitives["find"]
  /**
   * Moves the last activity and the expiry of the live session `id` if its version is `version`, never backwards, without a
   * new version. A session that is gone, or has another version, is left as it is: this never conflicts and never revives.
   *
   * `true` means that the session had this id and this version, and has now at least this expiry, also where both instants
   * were there already. `false` may mean that it was passed over because somebody else was writing it.
   */
  readonly touch: (
    id: string,
    version: number,
    lastActivityMillis: number,
    expiresAtMillis: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Collects at most `limit` sessions that are over: deletes them, or with `keepEnded` first clears their payload and
   * deletes them when that time has passed. Never touches a live session's data. Succeeds with the number of sessions
   * collected; less than `limit` means that none is left. A store with an override also erases sealed tokens whose
   * grace is over; where `collect` is derived, the session's next write drops them.
   */
  readonly collect: (limit: number) => Effect.Effect<number, SessionStoreError>
  /** Counts the sessions a filter lets through, and the different users among them. */
  readonly count: (
    filter: SessionFilter
  ) => Effect.Effect<{ readonly sessions: number; readonly users: number }, SessionStoreError>
  /**
   * Ends every live session the filter lets through, except the one whose id or previous id is `except`; succeeds with
   * how many were ended.
   */
  readonly removeWhere: (
    filter: SessionFilter,
    options?: { readonly except?: string | undefined }
  ) => Effect.Effect<number, SessionStoreError>
  /**
   * Ends every live session of a user, except the one whose id or previous id is `except`, and remembers the instant, so
   * that a login in flight is found by `revokedWithin`. Succeeds with how many were ended.
   */
  readonly revokeUser: (options: {
    readonly namespace: string
    readonly userId: string
    readonly except?: string | undefined
  }) => Effect.Effect<number, SessionStoreError>
  /**
   * Tells whether `revokeUser` ran for this user after `since`, an instant taken by `LocalInstant.now` in this process.
   * A revocation whose `except` was `exceptId` does not count.
   */
  readonly revokedWithin: (options: {
    readonly namespace: string
    readonly userId: string
    readonly since: LocalInstant
    readonly exceptId?: string | undefined
  }) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Lists the users that the filter's sessions were seen with from more than one address, in no particular order.
   * Sessions without a user or without an address do not count. Two addresses differ when their texts do.
   */
  readonly addresses: (
    filter: KeptFilter
  ) => Effect.Effect<ReadonlyArray<UserAddresses>, SessionStoreError>
  /**
   * Counts, for each hour from `fromMillis` on and before `untilMillis` (both multiples of 3,600,000), the sessions of
   * the namespace, live or over and still kept, that were created before the hour's end and last active at its beginning
   * or later; and the different users among them. The hours are in order, each is there, an empty one with 0. A session
   * counts for the user it has now.
   */
  readonly hourly: (range: {
    readonly namespace: string
    readonly fromMillis: number
    readonly untilMillis: number
  }) => Effect.Effect<ReadonlyArray<HourFigures>, SessionStoreError>
  /** Adds up the filter's sessions. */
  readonly usage: (filter: KeptFilter) => Effect.Effect<UsageFigures, SessionStoreError>
}

/**
 * An instant of this process by two clocks: milliseconds of the system's wall clock (`Date.now`) and of the process's
 * monotonic clock (`performance.now`). Only for telling a login that was in flight when a user was revoked.
 *
 * @since 0.1.0
 * @category models
 */
export interface LocalInstant {
  readonly wallMillis: number
  readonly monotonicMillis: number
}

/**
 * The service that keeps the sessions.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionStore extends Context.Tag("effect-session/SessionStore/SessionStore")<
  SessionStore,
  Service
>() {}

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
export const make = (
  primitives: Primitives & Overrides,
  options?: { readonly keepEnded?: Duration.DurationInput | undefined }
): Service => {
  const { remove } = primitives
  const entries = Revocations.hideMarks(primitives.entries)
  const removeWhere = Revocations.unlessMarks(
    primitives.removeWhere,
    Derived.removeWhere(entries, remove)
  )
  const keepEndedMillis = Duration.toMillis(options?.keepEnded ?? 0)
  return {
    ...withoutLapsed(primitives),
    remove,
    entries,
    removeWhere,
    touch: primitives.touch ?? Derived.touch(primitives),
    collect: primitives.collect ?? Derived.collect(primitives, keepEndedMillis),
    count: Revocations.unlessMarks(primitives.count, Derived.count(entries)),
    revokeUser:
      primitives.revokeUser ??
      (({ namespace, userId, except }) =>
        Effect.zipRight(
          // The mark comes first: a login that commits between the two is either removed or finds the mark.
          Revocations.writeMark(primitives, { namespace, userId }, except),
          removeWhere({ namespace, userId }, { except })
        )),
    revokedWithin: primitives.revokedWithin ?? Revocations.revokedWithin(primitives),
    addresses: Revocations.unlessMarks(primitives.addresses, Figures.addresses(entries)),
    hourly: Revocations.unlessMarks(primitives.hourly, Figures.hourly(entries)),
    usage: Revocations.unlessMarks(primitives.usage, Figures.usage(entries))
  }
}

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
