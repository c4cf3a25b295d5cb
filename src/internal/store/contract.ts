/** What a store does: six primitives, what a store may do better, and the whole service. A store's author reads this first. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { SessionEntry, SessionFilter, SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"

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
  readonly remove: (id: string) => Effect.Effect<Option.Option<SessionEntry>, SessionStoreError>
  /** Lists summaries in no particular order. A session that is stored throughout is listed exactly once. */
  readonly entries: (filter: SessionFilter) => Stream.Stream<SessionEntry, SessionStoreError>
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
