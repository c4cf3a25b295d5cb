/**
 * Who is here, and who was: lists sessions, counts them, ends those of others. On every store.
 *
 * Every call takes `namespace` (default `session`), as `SessionConfig` has it, where more than one is in use. Anonymous
 * sessions count everywhere. Nothing here ever returns a payload.
 *
 * `suspicious`, `hourly`, `averageDuration` and `usage` also see sessions that are over, as far back as the store keeps
 * them: with the default `keepEnded` of 0 a session that ended is gone at once, and one that expired is gone with the
 * next collection, so that figures of the past need a `keepEnded` that is as long as the time they ask for.
 *
 * Times are UTC. A session's last activity is as exact as `touchInterval` (one minute by default).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { SessionEntry as Entry } from "./core/record/record.js"
import { entryOf, isOver, isUserId } from "./core/record/record.js"
import { isId } from "./core/record/token.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import { useEffect } from "./internal/session/lift.js"
import type { Session } from "./internal/session/tag.js"
import { hourMillis } from "./internal/store/derivedAnalytics.js"
import * as SessionEvents from "./SessionEvents.js"
import { type SessionFilter, SessionStore, type SessionStoreError } from "./SessionStore.js"

/**
 * A session as a list shows it: everything but its payload.
 *
 * `endedAt` is none while the session lives; otherwise when it was ended, or when it expired. Encodes to plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export class SessionSummary extends Schema.Class<SessionSummary>(
  "effect-session/SessionAdmin/SessionSummary"
)({
  id: Schema.String,
  userId: Schema.OptionFromNullOr(Schema.String),
  ipAddress: Schema.OptionFromNullOr(Schema.String),
  userAgent: Schema.OptionFromNullOr(Schema.String),
  createdAt: Schema.DateTimeUtc,
  lastActivity: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
  endedAt: Schema.OptionFromNullOr(Schema.DateTimeUtc),
  payloadBytes: Schema.Number
}) {}

/**
 * A user who was seen from more than one address: the addresses in the order of their texts, and with how many sessions
 * they were seen.
 *
 * @since 0.1.0
 * @category models
 */
export class SuspiciousUser extends Schema.Class<SuspiciousUser>(
  "effect-session/SessionAdmin/SuspiciousUser"
)({
  userId: Schema.String,
  addresses: Schema.Array(Schema.String),
  sessions: Schema.Number
}) {}

/**
 * An hour that began at `start`: how many sessions there were, anonymous ones included, and how many different users.
 *
 * @since 0.1.0
 * @category models
 */
export class Hour extends Schema.Class<Hour>("effect-session/SessionAdmin/Hour")({
  start: Schema.DateTimeUtc,
  sessions: Schema.Number,
  users: Schema.Number
}) {}

/**
 * What a store holds: live sessions, sessions that are over and still kept, and the bytes of all their payloads.
 *
 * @since 0.1.0
 * @category models
 */
export class Usage extends Schema.Class<Usage>("effect-session/SessionAdmin/Usage")({
  sessions: Schema.Number,
  ended: Schema.Number,
  payloadBytes: Schema.Number
}) {}

/**
 * Which sessions a question is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Scope {
  /** Default `session`. */
  readonly namespace?: string | undefined
}

/**
 * A time back from now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Within extends Scope {
  /** Only sessions that were active this recently: the last activity lies no further back than this. */
  readonly within: Duration.DurationInput
}

/**
 * Which sessions a stream lists; what is left out does not restrict.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listing extends Scope {
  readonly within?: Duration.DurationInput | undefined
  readonly userId?: string | undefined
  /** `live` (default), `over` (ended or expired, and still kept), or `all`. */
  readonly state?: "live" | "over" | "all" | undefined
}

const namespaceOf = (scope: Scope | undefined): string => scope?.namespace ?? "session"

const summary = (entry: Entry, now: number): SessionSummary => {
  const endedAtMillis = entry.endedAtMillis ?? (isOver(entry, now) ? entry.expiresAtMillis : null)
  return new SessionSummary(
    {
      id: entry.id,
      userId: Option.fromNullable(entry.userId),
      ipAddress: Option.fromNullable(entry.ipAddress),
      userAgent: Option.fromNullable(entry.userAgent),
      createdAt: DateTime.unsafeMake(entry.createdAtMillis),
      lastActivity: DateTime.unsafeMake(entry.lastActivityMillis),
      expiresAt: DateTime.unsafeMake(entry.expiresAtMillis),
      endedAt: Option.map(Option.fromNullable(endedAtMillis), DateTime.unsafeMake),
      payloadBytes: entry.payloadBytes
    },
    { disableValidation: true }
  )
}

const newestFirst = (entries: Iterable<Entry>, now: number): ReadonlyArray<SessionSummary> =>
  Array.from(entries)
    .sort((a, b) => b.lastActivityMillis - a.lastActivityMillis || (a.id < b.id ? -1 : 1))
    .map((entry) => summary(entry, now))

// Never below zero, and whole: a store may keep its times as integers.
const since = (now: number, within: Duration.DurationInput): number =>
  Math.max(0, Math.floor(now - Duration.toMillis(within)))

const activeFilter = (options: Within) =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    namespace: namespaceOf(options),
    activeSinceMillis: since(now, options.within)
  }))

/**
 * The live sessions that were active within a time, the most recent first; anonymous ones too. All of them at once: for
 * more than some thousands take `stream`.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const report = Effect.gen(function* () {
 *   const online = yield* SessionAdmin.active({ within: "5 minutes" })
 *   const shared = yield* SessionAdmin.suspicious({ within: "1 day" })
 *   yield* Console.log(`${online.length} sessions, ${shared.length} users on several addresses`)
 *   for (const { start, sessions, users } of yield* SessionAdmin.hourly({ within: "1 day" })) {
 *     yield* Console.log(start, sessions, users)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const active = (
  options: Within
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError, SessionStore> =>
  Effect.flatMap(activeFilter(options), collected)

/**
 * Lists sessions one after the other, in no particular order, without holding them all in memory. A session that is
 * stored throughout is listed exactly once.
 *
 * @since 0.1.0
 * @category accessors
 */
export const stream = (
  options?: Listing
): Stream.Stream<SessionSummary, SessionStoreError, SessionStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const now = yield* Clock.currentTimeMillis
      const { within, userId, state } = options ?? {}
      const activeSinceMillis = within === undefined ? undefined : since(now, within)
      if (userId !== undefined && !isUserId(userId)) return Stream.empty
      const filter = { namespace: namespaceOf(options), userId, state, activeSinceMillis }
      return Stream.map(store.entries(filter), (entry) => summary(entry, now))
    })
  )

/**
 * How many live sessions were active within a time; anonymous ones count.
 *
 * @since 0.1.0
 * @category accessors
 */
export const countActive = (
  options: Within
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.flatMap(activeFilter(options), (filter) =>
      Effect.map(store.count(filter), ({ sessions }) => sessions)
    )
  )

/**
 * How many different users have a live session that was active within a time.
 *
 * @since 0.1.0
 * @category accessors
 */
export const countActiveUsers = (
  options: Within
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.flatMap(activeFilter(options), (filter) =>
      Effect.map(store.count(filter), ({ users }) => users)
    )
  )

/**
 * The live sessions of a user, the most recently active first.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofUser = (
  userId: string,
  scope?: Scope
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError, SessionStore> =>
  isUserId(userId) ? collected({ namespace: namespaceOf(scope), userId }) : Effect.succeed([])

const collected = (filter: SessionFilter) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const entries = yield* Stream.runCollect(store.entries(filter))
    return newestFirst(entries, yield* Clock.currentTimeMillis)
  })

/**
 * A live session by its id. The id it had before finds nothing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const get = (
  id: string,
  scope?: Scope
): Effect.Effect<Option.Option<SessionSummary>, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    if (!isId(id)) return Option.none()
    const found = yield* store.find(id)
    const now = yield* Clock.currentTimeMillis
    return found.pipe(
      Option.filter((one) => one.id === id && one.namespace === namespaceOf(scope)),
      Option.map((record) => summary(entryOf(record), now))
    )
  })

/**
 * The users who were seen from more than one address within a time, those with the most addresses first. Sessions that
 * are over count as long as they are kept. Sessions without a user or an address do not.
 *
 * Whoever is on the move changes addresses: this is where to look, not a verdict.
 *
 * @since 0.1.0
 * @category accessors
 */
export const suspicious = (
  options: Within & { readonly userId?: string | undefined }
): Effect.Effect<ReadonlyArray<SuspiciousUser>, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const { userId } = options
    if (userId !== undefined && !isUserId(userId)) return []
    const filter = yield* activeFilter(options)
    const users = yield* store.addresses({ ...filter, userId })
    return Array.from(users)
      .sort((a, b) => b.addresses.length - a.addresses.length || (a.userId < b.userId ? -1 : 1))
      .map(
        ({ userId, addresses, sessions }) =>
          new SuspiciousUser(
            { userId, addresses: [...addresses].sort(), sessions },
            { disableValidation: true }
          )
      )
  })

const longestWithin = Duration.days(3660)

/**
 * How many sessions and users there were, hour by hour, the oldest hour first.
 *
 * The hours are those of UTC, from the one that contains the instant `within` ago to the one that contains now: 25 for
 * `"1 day"`. Each is counted as a whole and is there, one without sessions with 0. A session counts in every hour from its
 * creation to its last activity, and for the user it has now; one that is over counts as long as it is kept.
 *
 * Dies with `SessionConfigError` when `within` is longer than ten years.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hourly = (
  options: Within
): Effect.Effect<ReadonlyArray<Hour>, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    if (Duration.greaterThan(options.within, longestWithin)) {
      const reason = "must be at most 3660 days."
      return yield* Effect.die(new SessionConfigError({ field: "within", reason }))
    }
    const store = yield* SessionStore
    const now = yield* Clock.currentTimeMillis
    const hours = yield* store.hourly({
      namespace: namespaceOf(options),
      fromMillis: hourBefore(since(now, options.within)),
      untilMillis: hourBefore(now) + hourMillis
    })
    return hours.map(
      ({ startMillis, sessions, users }) =>
        new Hour(
          { start: DateTime.unsafeMake(startMillis), sessions, users },
          { disableValidation: true }
        )
    )
  })

const hourBefore = (millis: number): number => Math.floor(millis / hourMillis) * hourMillis

/**
 * How long the sessions that were active within a time lasted on average, from creation to last activity; none when
 * there were no sessions. Live ones count with what they have lasted so far, ones that are over as long as they are kept. The
 * time between the last activity and the end, such as the wait until a session expires, does not count.
 *
 * @since 0.1.0
 * @category accessors
 */
export const averageDuration = (
  options: Within
): Effect.Effect<Option.Option<Duration.Duration>, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const { live, over, activeMillis } = yield* store.usage(yield* activeFilter(options))
    const sessions = live + over
    return sessions === 0
      ? Option.none()
      : Option.some(Duration.millis(Math.round(activeMillis / sessions)))
  })

/**
 * How much a namespace takes up: live sessions, sessions that are over and still kept, and the bytes of their payloads
 * (as stored, hence sealed where `encrypt` is on). An effect as it stands, and with a namespace a function that gives one.
 *
 * @since 0.1.0
 * @category accessors
 */
export const usageWith = (scope: Scope): Effect.Effect<Usage, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const { live, over, payloadBytes } = yield* store.usage({ namespace: namespaceOf(scope) })
    return new Usage({ sessions: live, ended: over, payloadBytes })
  })

/**
 * As `usageWith`, for the sessions of the default namespace.
 *
 * @since 0.1.0
 * @category accessors
 */
export const usage: Effect.Effect<Usage, SessionStoreError, SessionStore> = Effect.suspend(() =>
  usageWith({})
)

/**
 * Ends a session by its id, or by the id it had before; it is dead for the next request on every server. Tells whether
 * there was one. A session of another namespace is left alone (unless `id` is one it had before, and whose grace is over).
 * One that the store cannot read is ended too, whatever its namespace.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revoke = (
  id: string,
  scope?: Scope
): Effect.Effect<boolean, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    if (!isId(id)) return false
    const found = yield* Effect.catchIf(store.find(id), isCorrupt, () => Effect.succeedNone)
    if (Option.exists(found, (record) => record.namespace !== namespaceOf(scope))) return false
    const ended = yield* store.remove(id)
    if (Option.isSome(ended)) yield* revoked(1, { id: ended.value.id })
    return Option.isSome(ended)
  })

const isCorrupt = (error: SessionStoreError): boolean => error.reason === "corrupt"

/**
 * Ends all sessions of a user, a login in flight too, except the session whose id, or last id, is `except`. Succeeds with
 * how many were ended. They are dead for the next request on every server.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeUser = (
  userId: string,
  options?: Scope & { readonly except?: string | undefined }
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    isUserId(userId)
      ? Effect.tap(
          store.revokeUser({ namespace: namespaceOf(options), userId, except: options?.except }),
          (count) => revoked(count, { userId })
        )
      : Effect.succeed(0)
  )

/**
 * Ends all other sessions of the current session's user ("log out my other devices"), a login in flight too. Succeeds with
 * how many were ended; 0 for a guest.
 *
 * The current session stays, also when this request changes its id afterwards or a parallel one does at the same time. If
 * it has ended meanwhile, the others end all the same.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeOthers: Effect.Effect<number, SessionStoreError, Session | SessionStore> =
  useEffect(({ life, request }) => {
    const { userId } = life.state
    if (userId === null) return Effect.succeed(0)
    const { namespace } = request.settings
    // The id that is stored: a new one this request asked for has not been committed, and is that session's next.
    return revokeUser(userId, { namespace, except: life.position.stored?.record.id })
  })

/**
 * Ends all sessions of a namespace. Succeeds with how many were ended. A login in flight is not stopped: that takes
 * `revokeUser`. An effect as it stands, and with a namespace a function that gives one.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeAllWith = (
  scope: Scope
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.tap(store.removeWhere({ namespace: namespaceOf(scope) }), (count) => revoked(count, {}))
  )

/**
 * As `revokeAllWith`, for the sessions of the default namespace.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeAll: Effect.Effect<number, SessionStoreError, SessionStore> = Effect.suspend(
  () => revokeAllWith({})
)

const revoked = (
  count: number,
  of: { readonly id?: string; readonly userId?: string }
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
    SessionEvents.publish({ _tag: "Revoked", count, ...of, atMillis })
  )
