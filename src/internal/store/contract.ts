/**
 * What a store does. The author of a store reads this file first: `Primitives` are the six calls to write, `Overrides` are
 * those that a store may do better than they are derived, and `Service` is all that the library calls.
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { SessionEntry, SessionFilter, SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"

/**
 * The six calls that a store must provide. `SessionStore.make` derives everything else from them.
 *
 * A store keeps each `SessionRecord` as it was given, and never looks into its `payload`. A record is **live** until it
 * ends (`endedAtMillis` is set) or expires (`expiresAtMillis` is now or earlier). The time is that of Effect's `Clock`.
 *
 * Each call but `entries` is atomic: of two calls at once, in one process or in two, one happens before the other. It
 * stays atomic when it is interrupted: it has happened or it has not, it leaves no lock behind, and the next call works.
 * A request runs each call of a store that `SessionStore.make` has made in a fiber of its own, and interrupts it after two
 * seconds. That fiber has no context of the handler, so the store never runs in a transaction of the app.
 *
 * A session that is unknown, over or has another version is an answer: `none` or `false`. A call fails with
 * `SessionStoreError` only when the store cannot answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Primitives {
  /**
   * Finds the live record with this id. If there is none, finds the live record whose `previous.id` this is, while
   * `previous.untilMillis` is later than now. The caller compares `record.id` to tell the two apart.
   *
   * Fails with the reason `corrupt` when there is a record that cannot be read.
   */
  readonly find: (id: string) => Effect.Effect<Option.Option<SessionRecord>, SessionStoreError>
  /**
   * Stores a new record. `false`, and nothing is written, when a record has this id already, also one that is over.
   */
  readonly insert: (record: SessionRecord) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Replaces the live record with the id `record.id` if its version is `expectedVersion`. `record` says what every field
   * is from now on, the version too. `false`, and nothing is written, when there is no such record.
   */
  readonly update: (
    record: SessionRecord,
    expectedVersion: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Replaces the live record with the id `fromId` by `record`, which has another id, if its version is `expectedVersion`.
   * Afterwards `fromId` leads to the session only if `record.previous` says so. `false`, and nothing is written, when
   * there is no such record, or when a record has the id `record.id` already, also one that is over.
   */
  readonly move: (
    fromId: string,
    record: SessionRecord,
    expectedVersion: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Ends the session with this id or this `previous.id`, whatever `previous.untilMillis` says. Gives the entry of the
   * session as it was before, if it was live; `none` if it is unknown, expired or ended.
   *
   * Without `keepEnded` the record is deleted. With it, `payload` becomes `""`, `previous` becomes `null`, and
   * `endedAtMillis` becomes now, or the expiry if that is earlier; one that is set stays. The record is deleted if it
   * ended `keepEnded` ago or earlier.
   */
  readonly remove: (id: string) => Effect.Effect<Option.Option<SessionEntry>, SessionStoreError>
  /**
   * Lists the sessions that the filter lets through, in any order. A session that is stored from the beginning of the
   * listing to its end is listed exactly once, by one of its ids if `move` changes it meanwhile.
   */
  readonly entries: (filter: SessionFilter) => Stream.Stream<SessionEntry, SessionStoreError>
}

/**
 * The calls that a store may do better than `make` derives them. Each means what the `Service` says.
 *
 * A call with a filter is given one namespace, and never the one in which `make` keeps the marks of `revokeUser`: where
 * it could see a mark, `make` uses the derived call. So an override need not know about marks.
 *
 * @since 0.1.0
 * @category models
 */
export interface Overrides
  extends Partial<
    Pick<
      Service,
      | "insertMany"
      | "touch"
      | "collect"
      | "revokeUser"
      | "revokedWithin"
      | "page"
      | "addresses"
      | "hourly"
      | "usage"
    >
  > {
  readonly count?: (filter: NamespaceFilter) => ReturnType<Service["count"]>
  readonly removeWhere?: (
    filter: NamespaceFilter,
    options?: { readonly except?: string | undefined }
  ) => ReturnType<Service["removeWhere"]>
}

/**
 * All that the library calls: the six primitives, and what is derived from them or overridden.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Primitives {
  /**
   * Finds as the primitive does. When the clock of this process goes back, a session that had expired before is not
   * found again unless it was used since.
   */
  readonly find: Primitives["find"]
  /**
   * Stores new records, as `insert` does each, and tells of each whether it was stored, in the same order. It may pass over
   * all of them because of one whose id is taken. It need not be atomic: when it fails or is interrupted, some of them may
   * be stored. `SessionStore.copy` calls it with at most a hundred records.
   */
  readonly insertMany: (
    records: ReadonlyArray<SessionRecord>
  ) => Effect.Effect<ReadonlyArray<boolean>, SessionStoreError>
  /**
   * Moves the last activity and the expiry of the live session `id` forward, never back, if its version is `version`. The
   * version stays. A session that is over, unknown or has another version is left as it is.
   *
   * `true`: the session has this version, and its expiry is now at least `expiresAtMillis`, even if it was before.
   * `false`: it has not, or another writer was busy with it and the store passed it over.
   */
  readonly touch: (
    id: string,
    version: number,
    lastActivityMillis: number,
    expiresAtMillis: number
  ) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Collects at most `limit` sessions that are over, and gives how many it collected: fewer than `limit` means that none
   * is left. It deletes them. With `keepEnded` it first clears their payload, and deletes them when that time has passed.
   *
   * Where a part of it fails, the rest is done and counts, the failure is logged, and the next call tries again. It fails
   * only where it collected nothing.
   *
   * A store that overrides this call also erases sealed tokens (`previous.sealedToken`) whose grace is over. The derived
   * call leaves them to the session's next write.
   */
  readonly collect: (limit: number) => Effect.Effect<number, SessionStoreError>
  /**
   * Lists at most `limit` of the sessions that the filter lets through, the newest first: by their creation, or by the order
   * in which the store was given them. `after` is the `next` of the page before; what no page has given begins at the first.
   *
   * A session that is stored and let through all the while is listed by exactly one page. One that changes its id meanwhile
   * may be listed by two where the store derives this call.
   */
  readonly page: (
    filter: NamespaceFilter,
    at: { readonly limit: number; readonly after?: string | undefined }
  ) => Effect.Effect<EntryPage, SessionStoreError>
  /** Counts the sessions that the filter lets through, and the different users among them. */
  readonly count: (
    filter: SessionFilter
  ) => Effect.Effect<{ readonly sessions: number; readonly users: number }, SessionStoreError>
  /**
   * Ends every live session that the filter lets through, except the one whose id or previous id is `except`. Gives how
   * many it ended. Where one cannot be ended, it ends the others, then fails.
   */
  readonly removeWhere: (
    filter: SessionFilter,
    options?: { readonly except?: string | undefined }
  ) => Effect.Effect<number, SessionStoreError>
  /**
   * Ends every live session of a user, except the one whose id or previous id is `except`, and gives how many it ended.
   * It also remembers the instant for at least a day, so that `revokedWithin` can tell a login in flight.
   */
  readonly revokeUser: (options: {
    readonly namespace: string
    readonly userId: string
    readonly except?: string | undefined
  }) => Effect.Effect<number, SessionStoreError>
  /**
   * True if `revokeUser` ran for this user at `since` or later; `since` comes from `LocalInstant.now` in this process.
   * A revocation that spared `exceptId` does not count.
   */
  readonly revokedWithin: (options: {
    readonly namespace: string
    readonly userId: string
    readonly since: LocalInstant
    readonly exceptId?: string | undefined
  }) => Effect.Effect<boolean, SessionStoreError>
  /**
   * Lists the users whose sessions were seen from more than one address, in any order. Sessions without a user or an
   * address do not count. Two addresses are different when their texts are.
   */
  readonly addresses: (
    filter: KeptFilter
  ) => Effect.Effect<ReadonlyArray<UserAddresses>, SessionStoreError>
  /**
   * Counts sessions and their different users for each hour from `fromMillis` on and before `untilMillis`, both multiples
   * of 3,600,000. An hour counts each session of the namespace, live or over and not deleted yet, that was created
   * before the hour ends and was last active when it begins or later. The hours come in order and without gaps. A
   * session counts for the user it has now.
   */
  readonly hourly: (range: {
    readonly namespace: string
    readonly fromMillis: number
    readonly untilMillis: number
  }) => Effect.Effect<ReadonlyArray<HourFigures>, SessionStoreError>
  /** Adds up the sessions that the filter lets through. */
  readonly usage: (filter: KeptFilter) => Effect.Effect<UsageFigures, SessionStoreError>
  /** Gives all figures of a namespace at once, by one listing where the store does not add up by itself. */
  readonly figures: (range: {
    readonly namespace: string
    readonly activeSinceMillis: number
    readonly fromMillis: number
    readonly untilMillis: number
  }) => Effect.Effect<StoreFigures, SessionStoreError>
}

/**
 * One page of a listing. `next` is where the following page begins; none after the last page.
 *
 * @since 0.1.0
 * @category models
 */
export interface EntryPage {
  readonly entries: ReadonlyArray<SessionEntry>
  readonly next: Option.Option<string>
}

/**
 * All figures of a namespace: of the whole, and of the sessions that were active since an instant, with the hours of a
 * range.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreFigures {
  readonly whole: UsageFigures
  readonly recent: UsageFigures
  readonly active: { readonly sessions: number; readonly users: number }
  readonly addresses: ReadonlyArray<UserAddresses>
  readonly hours: ReadonlyArray<HourFigures>
}

/**
 * An instant of this process by two clocks, for `revokedWithin`: milliseconds of the wall clock (`Date.now`) and of the
 * process's monotonic clock (`performance.now`).
 *
 * @since 0.1.0
 * @category models
 */
export interface LocalInstant {
  readonly wallMillis: number
  readonly monotonicMillis: number
}
/**
 * A filter with one namespace.
 *
 * @since 0.1.0
 * @category models
 */
export interface NamespaceFilter extends SessionFilter {
  readonly namespace: string
}

/**
 * Which sessions a figure is about: live sessions, and those that are over and not deleted yet. A field that is left out
 * restricts nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptFilter extends Omit<NamespaceFilter, "state"> {}

/**
 * The addresses that a user was seen from, each once, in any order.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserAddresses {
  readonly userId: string
  readonly addresses: ReadonlyArray<string>
  /** How many of the user's sessions have an address. */
  readonly sessions: number
}

/**
 * The figures of the hour that begins at `startMillis`.
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
  /** How many sessions are live. */
  readonly live: number
  /** How many sessions ended or expired and are not deleted yet. */
  readonly over: number
  /** The length of all payloads in bytes of UTF-8. An expired session has its payload until it is collected. */
  readonly payloadBytes: number
  /** The time from creation to last activity, summed over all sessions. */
  readonly activeMillis: number
}

/**
 * How far a copy is, in numbers of sessions. What was ended, expired or changed its id meanwhile is done, too.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyReport {
  /** How many there are to do. It grows when sessions change while they are copied. */
  readonly total: number
  readonly done: number
  /** How many were written to the new store. The others were there already. */
  readonly copied: number
  /** How many the old store could not read; it keeps them. */
  readonly unreadable: number
}
