/**
 * Who is here: lists sessions, counts them, ends those of others. On every store.
 *
 * Every call takes `namespace` (default `session`), as `SessionConfig` has it, where more than one is in use.
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
import type { SessionSummary as Entry } from "./core/record.js"
import { Session } from "./internal/tag.js"
import * as SessionEvents from "./SessionEvents.js"
import { SessionStore, type SessionStoreError } from "./SessionStore.js"

/**
 * A session as a list shows it: everything but its payload.
 *
 * @since 0.1.0
 * @category models
 */
export class SessionSummary extends Schema.Class<SessionSummary>(
  "effect-session/SessionAdmin/SessionSummary"
)({
  id: Schema.String,
  userId: Schema.Option(Schema.String),
  ipAddress: Schema.Option(Schema.String),
  userAgent: Schema.Option(Schema.String),
  createdAt: Schema.DateTimeUtcFromSelf,
  lastActivity: Schema.DateTimeUtcFromSelf,
  expiresAt: Schema.DateTimeUtcFromSelf,
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
  /** Only sessions that were active this recently. */
  readonly within: Duration.DurationInput
}

const namespaceOf = (scope: Scope | undefined): string => scope?.namespace ?? "session"

const summary = (entry: Entry): SessionSummary =>
  new SessionSummary({
    id: entry.id,
    userId: Option.fromNullable(entry.userId),
    ipAddress: Option.fromNullable(entry.ipAddress),
    userAgent: Option.fromNullable(entry.userAgent),
    createdAt: DateTime.unsafeMake(entry.createdAtMillis),
    lastActivity: DateTime.unsafeMake(entry.lastActivityMillis),
    expiresAt: DateTime.unsafeMake(entry.expiresAtMillis),
    payloadBytes: entry.payloadBytes
  })

const newestFirst = (entries: Iterable<Entry>): ReadonlyArray<SessionSummary> =>
  Array.from(entries)
    .sort((a, b) => b.lastActivityMillis - a.lastActivityMillis || (a.id < b.id ? -1 : 1))
    .map(summary)

const activeFilter = (options: Within) =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    namespace: namespaceOf(options),
    activeSinceMillis: now - Duration.toMillis(options.within)
  }))

/**
 * The live sessions that were active within a time, the most recent first; anonymous ones too.
 *
 * @since 0.1.0
 * @category accessors
 */
export const active = (
  options: Within
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.flatMap(activeFilter(options), (filter) =>
      Effect.map(Stream.runCollect(store.entries(filter)), newestFirst)
    )
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
  Effect.flatMap(SessionStore, (store) =>
    Effect.map(
      Stream.runCollect(store.entries({ namespace: namespaceOf(scope), userId })),
      newestFirst
    )
  )

/**
 * A live session by its id.
 *
 * @since 0.1.0
 * @category accessors
 */
export const get = (
  id: string,
  scope?: Scope
): Effect.Effect<Option.Option<SessionSummary>, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.map(store.find(id), (found) =>
      Option.map(
        Option.filter(
          found,
          (record) => record.id === id && record.namespace === namespaceOf(scope)
        ),
        (record) =>
          summary({ ...record, previousId: null, payloadBytes: Buffer.byteLength(record.payload) })
      )
    )
  )

/**
 * Ends a session by its id, or by the id it had before; it is dead for the next request on every server. Tells whether
 * there was one in the namespace.
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
    const found = yield* store.find(id)
    if (Option.exists(found, (record) => record.namespace !== namespaceOf(scope))) return false
    const ended = yield* store.remove(id)
    if (Option.isSome(ended)) yield* revoked(1, { id })
    return Option.isSome(ended)
  })

/**
 * Ends all sessions of a user, a login in flight too, except the session `except`. Succeeds with how many were ended.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeUser = (
  userId: string,
  options?: Scope & { readonly except?: string | undefined }
): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.tap(
      store.revokeUser({ namespace: namespaceOf(options), userId, except: options?.except }),
      (count) => revoked(count, { userId })
    )
  )

/**
 * Ends all other sessions of the current session's user ("log out my other devices"). Succeeds with how many were ended;
 * 0 for a guest.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeOthers: Effect.Effect<number, SessionStoreError, Session | SessionStore> =
  Effect.flatMap(Session, (cell) => {
    const { userId } = cell.state
    if (userId === null) return Effect.succeed(0)
    const { namespace } = cell.surroundings.compiled
    return revokeUser(userId, { namespace, except: cell.base?.record.id })
  })

/**
 * Ends all sessions of a namespace. Succeeds with how many were ended.
 *
 * @since 0.1.0
 * @category accessors
 */
export const revokeAll = (scope?: Scope): Effect.Effect<number, SessionStoreError, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.tap(store.removeWhere({ namespace: namespaceOf(scope) }), (count) => revoked(count, {}))
  )

const revoked = (
  count: number,
  of: { readonly id?: string; readonly userId?: string }
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
    SessionEvents.publish({ _tag: "Revoked", count, ...of, atMillis })
  )
