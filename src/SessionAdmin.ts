/**
 * Who is here and who was: lists sessions, counts them, and ends those of others. Works on every store.
 *
 * Every call takes `namespace` (default `session`), for apps that set one in `SessionConfig`. Anonymous sessions count
 * everywhere. Nothing here ever returns a payload. Times are UTC, and a session's last activity is as exact as
 * `touchInterval` (one minute by default).
 *
 * `suspicious`, `hourly`, `averageDuration` and `usage` also see sessions that are over, for as long as the store keeps
 * them. With the default `keepEnded` of 0 an ended session is gone at once, and an expired one with the next collection.
 * For figures of the past, give the store a `keepEnded` as long as the time you ask for.
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
import { entryOf, isOver, isUserId, type SessionEntry } from "./core/record/record.js"
import { isId } from "./core/record/token.js"
import { clientOf } from "./internal/commit/RequestContext.js"
import { settingMillis } from "./internal/errors/durations.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import type { EventOf } from "./internal/events/event.js"
import { publish } from "./internal/events/hub.js"
import { useEffect } from "./internal/session/lift.js"
import { fromService, Session } from "./internal/session/tag.js"
import { hourMillis } from "./internal/store/derivedAnalytics.js"
import {
  type HourFigures,
  type NamespaceFilter,
  type Service,
  SessionStore,
  type SessionStoreError,
  type UsageFigures,
  type UserAddresses
} from "./SessionStore.js"

/**
 * A session in a list: everything but its payload. It encodes to plain JSON.
 *
 * `endedAt` is none while the session lives, else when it was ended or when it expired.
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
 * A user who was seen from more than one address: the sorted addresses, and the number of sessions.
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
 * A user who was seen from more than one address: the sorted addresses, and the sessions, the most recently active first.
 *
 * @since 0.1.0
 * @category models
 */
export class AuditedUser extends Schema.Class<AuditedUser>(
  "effect-session/SessionAdmin/AuditedUser"
)({
  userId: Schema.String,
  addresses: Schema.Array(Schema.String),
  sessions: Schema.Array(SessionSummary)
}) {}

/**
 * The hour that began at `start`: how many sessions there were, anonymous ones included, and how many different users.
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
 * What a namespace takes up: live sessions, sessions that are over and still kept, and the bytes of their payloads.
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
 * All figures of a namespace. Each means what the call of its name says; `activeSessions` and `activeUsers` are those of
 * `countActive` and `countActiveUsers`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Figures {
  readonly usage: Usage
  readonly activeSessions: number
  readonly activeUsers: number
  readonly averageDuration: Option.Option<Duration.Duration>
  readonly hourly: ReadonlyArray<Hour>
  readonly suspicious: ReadonlyArray<SuspiciousUser>
}

/**
 * Which sessions a call is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Scope {
  /** Default `session`. */
  readonly namespace?: string | undefined
}

/**
 * Which sessions a call ends, and who ends them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Revocation extends Scope {
  /**
   * Who ends them, for the `Revoked` event: the id of an operator, or the name of a job. Default: the user of the request that
   * the call is part of, where there is one.
   */
  readonly actor?: string | undefined
}

/**
 * Which sessions a call is about, by their last activity.
 *
 * @since 0.1.0
 * @category models
 */
export interface Within extends Scope {
  /** Only sessions whose last activity is at most this long ago. */
  readonly within: Duration.DurationInput
}

/**
 * Which sessions a stream lists. What is left out restricts nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listing extends Scope {
  /** Only sessions whose last activity is at most this long ago. */
  readonly within?: Duration.DurationInput | undefined
  /** Only sessions of this user. */
  readonly userId?: string | undefined
  /** `live` (default), `over` (ended or expired, and still kept), or `all`. */
  readonly state?: "live" | "over" | "all" | undefined
}

/**
 * Lists the live sessions that were active within a time, the most recent first.
 *
 * It holds them all in memory. For more than some thousands use `stream`.
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
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError, SessionStore> => listed(options)

/**
 * Streams sessions in no particular order, without holding them all in memory.
 *
 * A session that is stored all the while is listed exactly once.
 *
 * @example
 * ```ts
 * import { Console, Stream } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const addresses = SessionAdmin.stream({ userId: "42", state: "all" }).pipe(
 *   Stream.runForEach((session) => Console.log(session.ipAddress))
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const stream = (
  options: Listing = {}
): Stream.Stream<SessionSummary, SessionStoreError, SessionStore> =>
  Stream.unwrap(
    ask(options, (store, filter, now) =>
      Effect.succeed(
        isNobody(options.userId)
          ? Stream.empty
          : Stream.map(store.entries(filter), (entry) => summaryOf(entry, now))
      )
    )
  )

/**
 * One page of a listing. `next` is the `after` of the following page; none after the last page.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page {
  readonly sessions: ReadonlyArray<SessionSummary>
  readonly next: Option.Option<string>
}

/**
 * Lists sessions page by page, the newest first, for a list that a person looks through.
 *
 * `limit` is from 1 to 1000, 50 by default; dies with a `SessionConfigError` otherwise. An `after` that no page has given begins
 * at the first page. A session that is stored all the while is on exactly one page. SQL and Redis read little more than the
 * page. Other stores read all entries for each.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const twoPages = Effect.gen(function* () {
 *   const first = yield* SessionAdmin.page({ limit: 20 })
 *   if (first.next._tag === "None") return first.sessions
 *   const second = yield* SessionAdmin.page({ limit: 20, after: first.next.value })
 *   return [...first.sessions, ...second.sessions]
 * })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const page = (
  options: Listing & { readonly limit?: number | undefined; readonly after?: string | undefined }
): Effect.Effect<Page, SessionStoreError, SessionStore> =>
  ask(options, (store, filter, now) => {
    const { after, limit = 50 } = options
    if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= 1000)) {
      const reason = "must be a whole number from 1 to 1000."
      return Effect.die(new SessionConfigError({ field: "limit", reason }))
    }
    if (isNobody(options.userId)) return Effect.succeed({ sessions: [], next: Option.none() })
    return Effect.map(store.page(filter, { limit, after }), ({ entries, next }) => ({
      sessions: entries.map((entry) => summaryOf(entry, now)),
      next
    }))
  })

/**
 * Counts the live sessions that were active within a time.
 *
 * @since 0.1.0
 * @category accessors
 */
export const countActive = (
  options: Within
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  ask(options, (store, filter) => Effect.map(store.count(filter), ({ sessions }) => sessions))

/**
 * Counts the different users who have a live session that was active within a time.
 *
 * @since 0.1.0
 * @category accessors
 */
export const countActiveUsers = (
  options: Within
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  ask(options, (store, filter) => Effect.map(store.count(filter), ({ users }) => users))

/**
 * Lists the live sessions of a user, the most recently active first.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofUser = (
  userId: string,
  scope: Scope = {}
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError, SessionStore> =>
  listed({ ...scope, userId })

const listed = (options: Listing) =>
  Effect.map(Stream.runCollect(stream(options)), (sessions) =>
    Array.from(sessions).sort((a, b) => millisOf(b) - millisOf(a) || (a.id < b.id ? -1 : 1))
  )

const millisOf = ({ lastActivity }: SessionSummary): number => lastActivity.epochMillis

/**
 * Finds a live session by its id. An id that the session had before finds nothing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const get = (
  id: string,
  scope: Scope = {}
): Effect.Effect<Option.Option<SessionSummary>, SessionStoreError, SessionStore> =>
  ask(scope, (store, { namespace }, now) =>
    Effect.map(isId(id) ? store.find(id) : Effect.succeedNone, (found) =>
      found.pipe(
        Option.filter((record) => record.id === id && record.namespace === namespace),
        Option.map((record) => summaryOf(entryOf(record), now))
      )
    )
  )

/**
 * Finds the users who were seen from more than one address within a time, those with the most addresses first.
 *
 * Sessions that are over count for as long as they are kept. Sessions without a user or an address do not count. People on
 * the move change addresses too, so this is where to look and not a verdict.
 *
 * @since 0.1.0
 * @category accessors
 */
export const suspicious = (
  options: Within & { readonly userId?: string | undefined }
): Effect.Effect<ReadonlyArray<SuspiciousUser>, SessionStoreError, SessionStore> =>
  ask(options, (store, filter) =>
    Effect.map(
      isNobody(options.userId) ? Effect.succeed([]) : store.addresses(filter),
      suspiciousOf
    )
  )

const suspiciousOf = (users: ReadonlyArray<UserAddresses>) =>
  Array.from(users)
    .sort(byAddresses)
    .map(
      ({ addresses, sessions, userId }) =>
        new SuspiciousUser({ userId, addresses: [...addresses].sort(), sessions }, trusted)
    )

type Addressed = Pick<UserAddresses, "userId" | "addresses">

const byAddresses = (a: Addressed, b: Addressed): number =>
  b.addresses.length - a.addresses.length || (a.userId < b.userId ? -1 : 1)

/**
 * Finds the users that `suspicious` finds, with their sessions of that time, live or over and not deleted yet.
 *
 * It reads the store once, and holds the sessions of all users of that time in memory meanwhile.
 *
 * @since 0.1.0
 * @category accessors
 */
export const audit = (
  options: Within & { readonly userId?: string | undefined }
): Effect.Effect<ReadonlyArray<AuditedUser>, SessionStoreError, SessionStore> =>
  Effect.map(listed({ ...options, state: "all" }), (sessions) => {
    const ofUser = new Map<string, Array<SessionSummary>>()
    for (const session of sessions) {
      if (Option.isNone(session.userId)) continue
      const known = ofUser.get(session.userId.value)
      if (known === undefined) ofUser.set(session.userId.value, [session])
      else known.push(session)
    }
    return Array.from(ofUser, ([userId, sessions]) => {
      const addresses = new Set(sessions.flatMap(({ ipAddress }) => Option.toArray(ipAddress)))
      return new AuditedUser({ userId, addresses: [...addresses].sort(), sessions }, trusted)
    })
      .filter(({ addresses }) => addresses.length > 1)
      .sort(byAddresses)
  })

/**
 * Counts sessions and users hour by hour, the oldest hour first.
 *
 * The hours are whole hours of UTC, from the one that contains the instant `within` ago to the one that contains now: 25
 * for `"1 day"`. An hour without sessions is listed with 0. A session counts in every hour from its creation to its last
 * activity, and for the user it has now. A session that is over counts for as long as it is kept.
 *
 * Dies with a `SessionConfigError` when `within` is longer than 3660 days.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hourly = (
  options: Within
): Effect.Effect<ReadonlyArray<Hour>, SessionStoreError, SessionStore> =>
  ask(options, (store, { activeSinceMillis = 0, namespace }, now) =>
    Effect.flatMap(hoursSince(options, activeSinceMillis, now), (range) =>
      Effect.map(store.hourly({ namespace, ...range }), hoursOf)
    )
  )

const hoursOf = (hours: ReadonlyArray<HourFigures>) =>
  hours.map(
    ({ sessions, startMillis, users }) =>
      new Hour({ start: DateTime.unsafeMake(startMillis), sessions, users }, trusted)
  )

/** The range of whole hours from the one of an instant to the present one. */
const hoursSince = ({ within }: Within, millis: number, now: number) =>
  Effect.sync(() => {
    settingMillis("within", within, longest)
    return { fromMillis: hourOf(millis), untilMillis: hourOf(now) + hourMillis }
  })

const longest = { most: Duration.toMillis("3660 days"), reason: "must be at most 3660 days." }

const hourOf = (millis: number): number => Math.floor(millis / hourMillis) * hourMillis

/**
 * Tells how long the sessions that were active within a time lasted on average; none where there were none.
 *
 * A session lasts from its creation to its last activity, so the wait until it expires does not count. A live session
 * counts with the time so far. A session that is over counts for as long as it is kept.
 *
 * @since 0.1.0
 * @category accessors
 */
export const averageDuration = (
  options: Within
): Effect.Effect<Option.Option<Duration.Duration>, SessionStoreError, SessionStore> =>
  ask(options, (store, filter) => Effect.map(store.usage(filter), averageOf))

const averageOf = ({ activeMillis, live, over }: UsageFigures) =>
  live + over === 0
    ? Option.none()
    : Option.some(Duration.millis(Math.round(activeMillis / (live + over))))

/**
 * Tells how much the default namespace takes up: live sessions, sessions that are over and still kept, and the bytes of
 * their payloads. Bytes are counted as stored, so encrypted payloads count with their encryption.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const report = Effect.flatMap(SessionAdmin.usage, ({ sessions, payloadBytes }) =>
 *   Console.log(`${sessions} sessions, ${payloadBytes} bytes`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const usage: Effect.Effect<Usage, SessionStoreError, SessionStore> = Effect.suspend(() =>
  usageWith({})
)

/**
 * As `usage`, for another namespace.
 *
 * @since 0.1.0
 * @category accessors
 */
export const usageWith = (scope: Scope): Effect.Effect<Usage, SessionStoreError, SessionStore> =>
  ask(scope, (store, filter) => Effect.map(store.usage(filter), usageOf))

const usageOf = ({ live, over, payloadBytes }: UsageFigures) =>
  new Usage({ sessions: live, ended: over, payloadBytes })

/**
 * Gives all figures at once, for a page or a report that shows several: a store that keeps files or is made of the six
 * primitives is read once instead of once for each.
 *
 * Dies with a `SessionConfigError` when `within` is longer than 3660 days.
 *
 * @since 0.1.0
 * @category accessors
 */
export const figures = (options: Within): Effect.Effect<Figures, SessionStoreError, SessionStore> =>
  ask(options, (store, { activeSinceMillis = 0, namespace }, now) =>
    Effect.flatMap(hoursSince(options, activeSinceMillis, now), (range) =>
      Effect.map(
        store.figures({ namespace, activeSinceMillis, ...range }),
        ({ active, addresses, hours, recent, whole }) => ({
          usage: usageOf(whole),
          activeSessions: active.sessions,
          activeUsers: active.users,
          averageDuration: averageOf(recent),
          hourly: hoursOf(hours),
          suspicious: suspiciousOf(addresses)
        })
      )
    )
  )

/**
 * Ends a session by its id, or by the id it had before. Tells whether there was one. It is dead for the next request on
 * every server.
 *
 * A session of another namespace is left alone, with two exceptions: `id` is one that the session had before and whose
 * grace is over, or the store cannot read the session.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const block = (address: string) =>
 *   SessionAdmin.stream({ within: "1 day" }).pipe(
 *     Stream.filter(({ ipAddress }) => ipAddress._tag === "Some" && ipAddress.value === address),
 *     Stream.runForEach(({ id }) => Effect.asVoid(SessionAdmin.revoke(id)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const revoke = (
  id: string,
  options: Revocation = {}
): Effect.Effect<boolean, SessionStoreError, SessionStore> =>
  ask(options, (store, { namespace }) =>
    Effect.gen(function* () {
      if (!isId(id)) return false
      const found = yield* Effect.catchIf(store.find(id), isCorrupt, () => Effect.succeedNone)
      if (Option.exists(found, (record) => record.namespace !== namespace)) return false
      const ended = yield* store.remove(id)
      if (Option.isNone(ended)) return false
      yield* revoked("revoke", 1, options, ended.value)
      return true
    })
  )

const isCorrupt = (error: SessionStoreError): boolean => error.reason === "corrupt"

/**
 * Ends all sessions of a user and refuses a login of the user that is under way. Succeeds with the number of sessions
 * ended. They are dead for the next request on every server.
 *
 * `except` is the id, or the last id before it, of a session that goes on.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeUser = (
  userId: string,
  options: Revocation & { readonly except?: string | undefined } = {}
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  revokeSessionsOf(userId, "revokeUser", options)

const revokeSessionsOf = (
  userId: string,
  reason: "revokeUser" | "revokeOthers",
  options: Revocation & { readonly except?: string | undefined }
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  ask(options, (store, { namespace }) =>
    isNobody(userId)
      ? Effect.succeed(0)
      : Effect.tap(store.revokeUser({ namespace, userId, except: options.except }), (count) =>
          revoked(reason, count, options, { userId })
        )
  )

/**
 * Ends all other sessions of the current session's user ("log out my other devices") and refuses a login of the user that
 * is under way. Succeeds with the number of sessions ended; 0 for a guest.
 *
 * The current session goes on, even when this request or a parallel one changes its id. When it has ended meanwhile, the
 * others are ended nevertheless.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const logOutOthers = Effect.flatMap(SessionAdmin.revokeOthers, (count) =>
 *   HttpServerResponse.text(`${count} other devices were logged out.`)
 * )
 * ```
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
    const except = life.position.stored?.record.id
    return revokeSessionsOf(userId, "revokeOthers", { namespace, except })
  })

/**
 * Ends all sessions of the default namespace and succeeds with their number.
 *
 * A login that is under way is not refused. For that use `revokeUser`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SessionAdmin } from "effect-session"
 *
 * export const everybodyOut = Effect.flatMap(SessionAdmin.revokeAll, (count) =>
 *   Effect.logInfo(`Ended ${count} sessions`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeAll: Effect.Effect<number, SessionStoreError, SessionStore> = Effect.suspend(
  () => revokeAllWith({})
)

/**
 * As `revokeAll`, for another namespace, or with an actor.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeAllWith = (
  options: Revocation
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  ask(options, (store, filter) =>
    Effect.tap(store.removeWhere(filter), (count) => revoked("revokeAll", count, options, {}))
  )

/** Publishes the end of sessions. Where the call is part of a request, its user and its client are those who did it. */
const revoked = (
  reason: EventOf<"Revoked">["reason"],
  count: number,
  { actor }: Revocation,
  whose: { readonly id?: string; readonly userId?: string | null }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const at = yield* DateTime.now
    const session = Option.map(yield* Effect.serviceOption(Session), fromService)
    const { clientAddress, userId } = Option.match(session, {
      onNone: () => ({ clientAddress: undefined, userId: undefined }),
      onSome: ({ life, request }) => ({
        userId: undefined,
        clientAddress: undefined,
        ...clientOf(request, life.state.userId)
      })
    })
    yield* publish({
      _tag: "Revoked",
      at,
      count,
      reason,
      id: whose.id,
      userId: whose.userId ?? undefined,
      actor: actor ?? userId,
      clientAddress
    })
  })

/** Asks the store about the sessions of a namespace, and of a time if one is given. */
const ask = <A>(
  { namespace = "session", state, userId, within }: Listing,
  question: (
    store: Service,
    filter: NamespaceFilter,
    now: number
  ) => Effect.Effect<A, SessionStoreError>
): Effect.Effect<A, SessionStoreError, SessionStore> =>
  Effect.flatMap(Effect.all([SessionStore, Clock.currentTimeMillis]), ([store, now]) => {
    // Never below zero, and whole: a store may keep its times as integers.
    const activeSinceMillis =
      within === undefined
        ? undefined
        : Math.max(0, Math.floor(now - settingMillis("within", within)))
    return question(store, { namespace, state, userId, activeSinceMillis }, now)
  })

/** True for a text that no user can have as an id, which some databases would refuse. */
const isNobody = (userId: string | undefined): boolean => userId !== undefined && !isUserId(userId)

// What the store gives needs no validation.
const trusted: Schema.MakeOptions = { disableValidation: true }

const summaryOf = (entry: SessionEntry, now: number): SessionSummary => {
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
    trusted
  )
}
