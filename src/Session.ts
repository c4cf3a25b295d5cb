/**
 * The session of the current request: what handlers import.
 *
 * Every operation is a small `Effect` that needs the `Session` service, which `SessionMiddleware` provides. The session is
 * loaded before the handler runs and committed after it, so reading and writing cannot fail for the store's sake. What
 * is recorded is run again on the newest state when a parallel request was faster: nothing is lost.
 *
 * Keys are paths (`"cart.items.0"`), values are JSON. A bad key or value ends the handler with a defect (HTTP 500) and
 * nothing is stored.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const handler = Effect.gen(function*() {
 *   const visits = yield* Session.increment("visits")
 *   yield* Session.put("cart.items", [{ sku: "tea", count: 2 }])
 *   yield* Session.flash("message", "Added to your cart.")
 *   return yield* HttpServerResponse.json({ visits })
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { expiryOf as sessionExpiry } from "./core/commit/draft.js"
import type { Json, JsonInput, JsonObject } from "./core/session/json.js"
import * as Path from "./core/session/path.js"
import { commit as commitPending } from "./internal/commit/commit.js"
import { consume as consumeNow } from "./internal/commit/consume.js"
import { destroy as destroyNow, logout as logoutNow } from "./internal/commit/destroy.js"
import { login as loginNow } from "./internal/commit/login.js"
import { now as nowOf } from "./internal/commit/RequestContext.js"
import { emptyLife, RequestSession } from "./internal/commit/RequestSession.js"
import { compile } from "./internal/config/compile.js"
import {
  SessionConflict,
  SessionDecodeError,
  SessionEncodeError,
  SessionKeyError,
  SessionReauthenticationRequired,
  SessionRefused,
  SessionStoreError,
  SessionTypeError
} from "./internal/errors/errors.js"
import { expiryOf, lifetimeOf, millisOf, type PutOptions } from "./internal/session/arguments.js"
import { attempt, use, useEffect } from "./internal/session/lift.js"
import { Session, toService } from "./internal/session/tag.js"
import * as Verbs from "./internal/session/verbs.js"
import { makeMemoryStore } from "./internal/store/memory/store.js"
import { SessionConfig } from "./SessionConfig.js"
import { SessionEvents } from "./SessionEvents.js"
import { LocalInstant } from "./SessionStore.js"

/**
 * The types behind `TypedSession`: paths and what stands at them.
 *
 * @since 0.1.0
 * @category models
 */
export type * as Typed from "./internal/session/typed/paths.js"
export {
  /**
   * Types a session: the same verbs over the same service, with the type of each key from its schema.
   *
   * @since 0.1.0
   * @category schemas
   */
  schema,
  /**
   * The typed verbs of `schema`.
   *
   * @since 0.1.0
   * @category models
   */
  type TypedSession
} from "./internal/session/typed/TypedSession.js"
export type {
  /**
   * A JSON value.
   *
   * @since 0.1.0
   * @category models
   */
  Json,
  /**
   * What a value of a type must be to be stored: itself where it is JSON, `never` where it is not.
   *
   * @since 0.1.0
   * @category models
   */
  JsonInput,
  /**
   * An object of JSON values.
   *
   * @since 0.1.0
   * @category models
   */
  JsonObject,
  /**
   * When a value that is put expires: after a duration, or at an instant.
   *
   * @since 0.1.0
   * @category models
   */
  PutOptions
}
export {
  /**
   * The service every operation needs.
   *
   * @since 0.1.0
   * @category tags
   */
  Session,
  /**
   * The recorded operations no longer fit what other requests committed meanwhile. Unhandled it answers 409.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionConflict,
  /**
   * A stored value does not have the shape its schema asks for. Unhandled it answers 500.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionDecodeError,
  /**
   * A value cannot be stored. Unhandled it answers 500.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionEncodeError,
  /**
   * A key is not a path into the session. Unhandled it answers 500.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionKeyError,
  /**
   * The last login is too long ago, or there was none. Unhandled it answers 403.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionReauthenticationRequired,
  /**
   * A login was refused: too many sessions, or revoked meanwhile. Unhandled it answers 403.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionRefused,
  /**
   * The store could not do what was asked: for the operator. Unhandled it answers 503.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionStoreError,
  /**
   * An operation met a value of another kind; the data is unchanged. Unhandled it answers 500.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionTypeError
}

/**
 * The public id of a session: 40 lower-case hex characters. No secret: safe to log, useless as a cookie.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionId = string

/**
 * What names a value: a dotted text or a `Session.path`.
 *
 * @since 0.1.0
 * @category models
 */
export type Key = Path.Key

/** A JSON value, or one that is shaped like it (an interface). */
type Value<T> = Json | JsonInput<T>

/** An object of values; a list is none. */
type Values<T> = JsonObject | (T extends ReadonlyArray<unknown> ? never : JsonInput<T>)

const found = (value: Json | undefined): Option.Option<Json> =>
  value === undefined ? Option.none() : Option.some(value)

const typed = <A>(f: (session: RequestSession) => A): Effect.Effect<A, SessionTypeError, Session> =>
  useEffect((session) => attempt(() => f(session)))

/**
 * Makes a path of literal segments: `Session.path("a.b", "c")` has two.
 *
 * @since 0.1.0
 * @category constructors
 */
export const path: (...segments: ReadonlyArray<string>) => Path.Path = Path.literal

/**
 * Tells whether a text from outside is a key every operation accepts.
 *
 * @since 0.1.0
 * @category guards
 */
export const isKey: (text: string) => boolean = Path.isKey

/**
 * Reads a value; with a schema it is decoded, and fails with `SessionDecodeError` when it does not fit. A stored `null`
 * is `Some(null)`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const get: {
  (key: Key): Effect.Effect<Option.Option<Json>, never, Session>
  <A, I, R>(
    key: Key,
    schema: Schema.Schema<A, I, R>
  ): Effect.Effect<Option.Option<A>, SessionDecodeError, Session | R>
} = <A, I, R>(key: Key, schema?: Schema.Schema<A, I, R>) =>
  // The overloads say which of the two results this is.
  (schema === undefined
    ? use((session) => found(Verbs.get(session, "get", key)))
    : useEffect((session) => decode(key, schema, Verbs.get(session, "get", key)))) as never

const decode = <A, I, R>(
  key: Key,
  schema: Schema.Schema<A, I, R>,
  value: Json | undefined
): Effect.Effect<Option.Option<A>, SessionDecodeError, R> =>
  value === undefined
    ? Effect.succeed(Option.none())
    : Effect.mapBoth(Schema.decodeUnknown(schema)(value), {
        // The parse error quotes the value, which may be a secret: it is not kept.
        onFailure: () => new SessionDecodeError({ key: Path.display(key) }),
        onSuccess: Option.some
      })

/**
 * Reads a value or gives a default, which is not stored. A stored `null` comes back as `null`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const getOrElse = <D>(
  key: Key,
  otherwise: () => D
): Effect.Effect<Json | D, never, Session> =>
  use((session) => {
    const value = Verbs.get(session, "getOrElse", key)
    return value === undefined ? otherwise() : value
  })

/**
 * A copy of all user data and live flash values; never the user, the CSRF secret or other bookkeeping.
 *
 * @since 0.1.0
 * @category accessors
 */
export const all: Effect.Effect<JsonObject, never, Session> = use(Verbs.all)

/**
 * The part of the data under some keys. A nested key keeps its place; a list stays a list, of the elements that are
 * named, in their order and without gaps.
 *
 * @since 0.1.0
 * @category accessors
 */
export const only = (...keys: Verbs.Keys): Effect.Effect<JsonObject, never, Session> =>
  use((session) => Verbs.only(session, keys))

/**
 * The data without some keys, which name elements of a list as they stand: `except("l.0", "l.1")` is without the first
 * two.
 *
 * @since 0.1.0
 * @category accessors
 */
export const except = (...keys: Verbs.Keys): Effect.Effect<JsonObject, never, Session> =>
  use((session) => Verbs.except(session, keys))

/**
 * Whether every key is present and not null; 0, "", false and [] count as present. True without keys.
 *
 * @since 0.1.0
 * @category accessors
 */
export const has = (...keys: Verbs.Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.has(session, keys))

/**
 * Whether at least one key is present and not null. False without keys.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hasAny = (...keys: Verbs.Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.hasAny(session, keys))

/**
 * Whether every key is present, even if null.
 *
 * @since 0.1.0
 * @category accessors
 */
export const exists = (...keys: Verbs.Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.exists(session, keys))

/**
 * Whether every key is missing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const missing = (...keys: Verbs.Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.missing(session, keys))

/**
 * Stores a value, or each entry of an object (all or, where one is refused, none). Keys are paths; a scalar in the way
 * of one is replaced by an object. With `expiresIn` or `expiresAt` (one-segment keys only) the value is missing from
 * that instant on: increment, push and modify keep it, a later put without them clears it.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const program = Effect.gen(function*() {
 *   yield* Session.put("cart.items", [{ sku: "tea", count: 2 }])
 *   yield* Session.put({ theme: "dark", "cart.currency": "EUR" })
 *   yield* Session.put("code", "4711", { expiresIn: "10 minutes" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const put: {
  <const T>(key: Key, value: Value<T>, options?: PutOptions): Effect.Effect<void, never, Session>
  <const T extends object>(object: Values<T>): Effect.Effect<void, never, Session>
} = (...args: ReadonlyArray<unknown>): Effect.Effect<void, never, Session> =>
  use((session) => {
    // The overloads say which of the two calls this is.
    if (args.length === 1) return Verbs.putAll(session, "put", args[0] as object)
    const [key, value, options] = args as [Key, unknown, PutOptions | undefined]
    return Verbs.put(session, key, value, expiryOf(session, Path.display(key), options))
  })

/**
 * Appends to a list; missing or null becomes a list of one. Fails with `SessionTypeError` on anything else.
 *
 * @since 0.1.0
 * @category accessors
 */
export const push = <const T>(
  key: Key,
  value: Value<T>
): Effect.Effect<void, SessionTypeError, Session> =>
  typed((session) => Verbs.push(session, key, value))

/**
 * Adds to a number and gives the new one; missing or null is 0. What a parallel request adds is added too, so the number
 * that is stored may be higher than the one given here.
 *
 * @since 0.1.0
 * @category accessors
 */
export const increment = (key: Key, by = 1): Effect.Effect<number, SessionTypeError, Session> =>
  typed((session) => Verbs.add(session, "increment", key, by))

/**
 * Subtracts from a number and gives the new one; otherwise as `increment`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const decrement = (key: Key, by = 1): Effect.Effect<number, SessionTypeError, Session> =>
  typed((session) => Verbs.add(session, "decrement", key, -by))

/**
 * Changes a value by a pure function and gives the new one. When a parallel request was faster, the function runs again
 * on what that one has stored, so it must do nothing else.
 *
 * @example
 * ```ts
 * import { Option } from "effect"
 * import { Session } from "effect-session"
 *
 * export const visit = (page: string) =>
 *   Session.modify("recent", (current) => {
 *     const before = Option.getOrNull(current)
 *     return [page, ...(Array.isArray(before) ? before : [])].slice(0, 10)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const modify = <const T>(
  key: Key,
  f: (current: Option.Option<Json>) => Value<T>
): Effect.Effect<Json, never, Session> =>
  use((session) =>
    Verbs.modify(
      session,
      "modify",
      key,
      Verbs.changing(session, (current) => f(found(current)))
    )
  )

/**
 * Gives the value, or when it is missing or null runs `effect` and stores its result, if still missing by then.
 *
 * @since 0.1.0
 * @category accessors
 */
export const remember = <const T, E, R>(
  key: Key,
  effect: Effect.Effect<Value<T>, E, R>
): Effect.Effect<Json, E, R | Session> =>
  useEffect((session) => {
    const value = Verbs.get(session, "remember", key)
    return value === undefined || value === null
      ? Effect.map(effect, (made) => Verbs.putMissing(session, key, made))
      : Effect.succeed(value)
  })

/**
 * Reads a value and removes it, a flash too. Parallel requests may both see it: see `consume`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const pull = (key: Key): Effect.Effect<Option.Option<Json>, never, Session> =>
  use((session) => found(Verbs.pull(session, key)))

/**
 * Takes a value out of the stored session at once: of parallel requests exactly one gets it, also one that was stored
 * after this request began. For one-time codes. Other pending operations stay pending; a value that is still pending
 * itself is taken from them.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Session } from "effect-session"
 *
 * export const confirm = (code: string) =>
 *   Effect.map(Session.consume("code"), Option.exists((stored) => stored === code))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const consume = (key: Key): Effect.Effect<Option.Option<Json>, SessionStoreError, Session> =>
  useEffect((session) => consumeNow(session, Verbs.pathOf("consume", key), Path.display(key)))

/**
 * Removes keys, flash too; an absent key is no error, an emptied parent stays. Removing an element of a list closes the
 * gap; several at once are those that had these indexes before.
 *
 * @since 0.1.0
 * @category accessors
 */
export const forget = (...keys: Verbs.Keys): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.forget(session, "forget", keys))

/**
 * Clears data, flash, user, CSRF token and previous URL; the id stays.
 *
 * @since 0.1.0
 * @category accessors
 */
export const flush: Effect.Effect<void, never, Session> = use(Verbs.flush)

/**
 * Replaces all data by the entries of an object.
 *
 * @since 0.1.0
 * @category accessors
 */
export const replace = <const T extends object>(
  object: Values<T>
): Effect.Effect<void, never, Session> =>
  // Every JSON-shaped object is an object.
  use((session) => Verbs.replace(session, object as object))

/**
 * Stores a value, or each entry of an object, for the rest of this request and the whole next one. Keys have one
 * segment. While it lives, a flash value hides a stored one of the same key; `put` of that key ends it.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const save = Effect.as(
 *   Session.flash("message", "Your profile was saved."),
 *   HttpServerResponse.redirect("/profile")
 * )
 *
 * // In the handler of /profile: Some("Your profile was saved."), and none when the page is loaded again.
 * export const message = Session.get("message")
 * ```
 *
 * @since 0.1.0
 * @category flash
 */
export const flash: {
  <const T>(key: Key, value: Value<T>): Effect.Effect<void, never, Session>
  <const T extends object>(object: Values<T>): Effect.Effect<void, never, Session>
} = (...args: ReadonlyArray<unknown>): Effect.Effect<void, never, Session> =>
  use((session) =>
    // The overloads say which of the two calls this is.
    args.length === 1
      ? Verbs.flashAll(session, args[0] as object)
      : Verbs.flash(session, "flash", args[0] as Key, args[1])
  )

/**
 * Stores a value for the rest of this request only.
 *
 * @since 0.1.0
 * @category flash
 */
export const now = <const T>(key: Key, value: Value<T>): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.flash(session, "now", key, value))

/**
 * Keeps all flash values, those of `now` too, for one request more.
 *
 * @since 0.1.0
 * @category flash
 */
export const reflash: Effect.Effect<void, never, Session> = use((session) =>
  Verbs.keep(session, [])
)

/**
 * Keeps some flash values for one request more; without keys all of them. An empty list of keys keeps nothing.
 *
 * @since 0.1.0
 * @category flash
 */
export const keep = (...keys: Verbs.Keys): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.keep(session, keys))

/**
 * Keeps form input for the next request, so that a form can be filled again. Fields that are named like passwords or
 * tokens are left out.
 *
 * @since 0.1.0
 * @category flash
 */
export const flashInput = <const T extends object>(
  object: Values<T>
): Effect.Effect<void, never, Session> =>
  // Every JSON-shaped object is an object.
  use((session) => Verbs.flashInput(session, object as object))

/**
 * Reads form input that the request before has kept.
 *
 * @since 0.1.0
 * @category flash
 */
export const old = (key: Key): Effect.Effect<Option.Option<Json>, never, Session> =>
  use((session) => found(Verbs.old(session, key)))

/**
 * The public id: equal to `id` in the store and in `SessionAdmin`.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const id: Effect.Effect<SessionId, never, Session> = use((session) => session.life.id)

/**
 * Creates the session even if nothing is written.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const start: Effect.Effect<void, never, Session> = use(Verbs.start)

/**
 * True when no stored session came with the request, to its end: also after `login` or `commit` stored one. After
 * `destroy` or `logout` the session this request goes on with is new.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const isNew: Effect.Effect<boolean, never, Session> = use((session) => session.life.isNew)

/**
 * Gives the session a new id, cookie and CSRF token; data and flash are kept. The old id is dead on every server once
 * this is committed. Call it when a user's privileges change; `login` does it by itself.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const regenerate: Effect.Effect<SessionId, never, Session> = use((session) =>
  Verbs.regenerate(session, "regenerate")
)

/**
 * Gives the session a new id and keeps the CSRF token: renewal without a login. The old id works on for the grace period
 * (30 seconds), so that parallel requests are not cut off; with `destroy: true` it is dead at once.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const migrate = (
  options: { readonly destroy?: boolean | undefined } = {}
): Effect.Effect<SessionId, never, Session> =>
  use((session) => Verbs.migrate(session, options.destroy ?? false))

/**
 * Clears everything and gives a new id.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const invalidate: Effect.Effect<SessionId, never, Session> = use(Verbs.invalidate)

/**
 * Ends the session at once, on every server; parallel requests can no longer store anything in it. This request goes on
 * with an empty session that is stored only if something is written.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const destroy: Effect.Effect<void, SessionStoreError, Session> = useEffect((session) =>
  destroyNow(session)
)

/**
 * Logs a user in, at once: commits what was recorded before, with a new id and CSRF token. A guest's data is kept,
 * another user's is cleared; all timeouts start afresh. `userId` has 1 to 255 bytes. `remember` is `setLifetime`.
 *
 * Fails with `SessionRefused` when the user has as many sessions as allowed, or was revoked after this request began.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const loggedIn = (user: { readonly id: string }, rememberMe: boolean) =>
 *   Effect.as(
 *     Session.login(user.id, rememberMe ? { remember: "30 days" } : {}),
 *     HttpServerResponse.redirect("/")
 *   )
 * ```
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const login = (
  userId: string,
  options: { readonly remember?: Duration.DurationInput | "browser" | undefined } = {}
): Effect.Effect<void, SessionStoreError | SessionRefused, Session> =>
  useEffect((session) =>
    loginNow(
      session,
      userId,
      options.remember === undefined ? null : lifetimeOf("login", options.remember)
    )
  )

/**
 * Logs out: destroys the session at once and lets the response delete the cookie, whatever its status, unless this
 * request begins a new session (a flash that says good-bye).
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const logout: Effect.Effect<void, SessionStoreError, Session> = useEffect(logoutNow)

/**
 * The user that `login` has set.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const userId: Effect.Effect<Option.Option<string>, never, Session> = use((session) =>
  Option.fromNullable(session.life.state.userId)
)

/**
 * When the user last logged in; none where nobody is logged in.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const authenticatedAt: Effect.Effect<Option.Option<DateTime.Utc>, never, Session> = use(
  (session) => Option.map(authenticated(session), (atMillis) => DateTime.unsafeMake(atMillis))
)

const authenticated = ({ life: { state } }: RequestSession): Option.Option<number> =>
  state.userId === null ? Option.none() : Option.fromNullable(state.authenticatedAtMillis)

/**
 * Lets a handler go on only where the last login is at most `duration` ago: before a password is changed or a payment
 * is made. Otherwise, and where nobody is logged in, it fails with `SessionReauthenticationRequired` (403); a `login` of
 * the same user keeps the data and satisfies it.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const changePassword = Session.requireRecentLogin("15 minutes").pipe(
 *   Effect.zipRight(HttpServerResponse.json({ changed: true })),
 *   Effect.catchTag("SessionReauthenticationRequired", () =>
 *     Effect.succeed(HttpServerResponse.redirect("/login"))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const requireRecentLogin = (
  duration: Duration.DurationInput
): Effect.Effect<void, SessionReauthenticationRequired, Session> =>
  useEffect((session) => {
    const operation = "requireRecentLogin"
    const millis = millisOf(duration)
    if (millis === undefined) {
      throw new SessionTypeError({ operation, key: "", reason: "it takes a duration" })
    }
    const at = authenticated(session)
    if (Option.isNone(at)) return new SessionReauthenticationRequired({ reason: "guest" })
    return nowOf(session.request) - at.value <= millis
      ? Effect.void
      : new SessionReauthenticationRequired({ reason: "stale" })
  })

const instant = (
  pick: (session: RequestSession) => number
): Effect.Effect<DateTime.Utc, never, Session> =>
  use((session) => DateTime.unsafeMake(pick(session)))

/**
 * When the session was created; for one that is not stored yet, this request.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const createdAt: Effect.Effect<DateTime.Utc, never, Session> = instant(
  (session) =>
    session.life.position.stored?.record.createdAtMillis ?? session.life.empty.absoluteFromMillis
)

/**
 * The last activity that is stored; it moves at most once per touch interval.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const lastActivity: Effect.Effect<DateTime.Utc, never, Session> = instant(
  (session) =>
    session.life.position.stored?.record.lastActivityMillis ?? session.life.empty.absoluteFromMillis
)

/**
 * When the session ends if nothing more happens: the earlier of its idle and its absolute timeout. For a stored session
 * this is what is stored; a pending `setLifetime` moves it at the commit.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const expiresAt: Effect.Effect<DateTime.Utc, never, Session> = instant(
  (session) =>
    session.life.position.stored?.record.expiresAtMillis ??
    sessionExpiry(session.request.settings, session.life.state, nowOf(session.request))
)

/**
 * Sets how long this session lives. A duration (at most 100 years) becomes its idle and its absolute timeout, and the
 * cookie lasts as long; `"browser"` means the configured timeouts and a cookie that ends with the browser.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const setLifetime = (
  lifetime: Duration.DurationInput | "browser"
): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.setLifetime(session, lifetimeOf("setLifetime", lifetime)))

/**
 * A CSRF token for a form or a header, masked anew each time. Creates the session where there is none.
 *
 * @since 0.1.0
 * @category csrf
 */
export const csrfToken: Effect.Effect<string, never, Session> = use(Verbs.csrfToken)

/**
 * The same as `csrfToken`.
 *
 * @since 0.1.0
 * @category csrf
 */
export const token: Effect.Effect<string, never, Session> = csrfToken

/**
 * Makes every CSRF token given so far invalid.
 *
 * @since 0.1.0
 * @category csrf
 */
export const regenerateToken: Effect.Effect<void, never, Session> = use(Verbs.regenerateToken)

/**
 * Whether a text is a CSRF token of this session; any text is taken, in constant time for one of the right length.
 *
 * @since 0.1.0
 * @category csrf
 */
export const verifyToken = (text: string): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.verifyToken(session, text))

/**
 * The page remembered by `setPreviousUrl`: path and query.
 *
 * @since 0.1.0
 * @category accessors
 */
export const previousUrl: Effect.Effect<Option.Option<string>, never, Session> = use((session) =>
  Option.fromNullable(Verbs.previousUrl(session))
)

/**
 * Remembers a page of this origin, as a path or as a URL of the request's own host (or of `origin`, where that is given).
 * Anything that could lead elsewhere is ignored with a debug log.
 *
 * @since 0.1.0
 * @category accessors
 */
export const setPreviousUrl = (url: string, origin?: string): Effect.Effect<void, never, Session> =>
  useEffect((session) =>
    Verbs.setPreviousUrl(session, url, origin)
      ? Effect.void
      : Effect.logDebug("Session.setPreviousUrl ignored a URL that is not a page of this origin")
  )

/**
 * Writes what is pending now instead of at the end of the request, and gives the errors of that as values. Flash is
 * aged at the end all the same, once.
 *
 * A commit that fails is rolled back, as a transaction is: what was pending is dropped, and the session is again what is
 * stored. After a `SessionStoreError` nobody may know what is stored; then the request sees an empty session, and what
 * still needs the store fails with the same error.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const commit: Effect.Effect<
  void,
  SessionStoreError | SessionConflict | SessionEncodeError,
  Session
> = useEffect((session) => Effect.asVoid(commitPending(session)))

/**
 * Provides a session for tests of handlers, without HTTP and with a store of its own that nothing else sees. It holds
 * `data`, not yet committed, and belongs to nobody.
 *
 * Every time the layer is built there is a new session: two tests that each provide it share nothing. Within one build
 * it is one, as layers are; `Layer.fresh(Session.layerTest(data))` makes another.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * const program = Session.increment("visits")
 *
 * export const two = Effect.runPromise(Effect.provide(program, Session.layerTest({ visits: 1 })))
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const layerTest = <const T extends object>(data?: Values<T>): Layer.Layer<Session> =>
  Layer.effect(
    Session,
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const settings = yield* SessionConfig
      const request = {
        store: makeMemoryStore(),
        settings: compile(settings),
        clock,
        began: LocalInstant.now(),
        events: yield* SessionEvents,
        ipAddress: () => null,
        userAgent: () => null
      }
      const session = new RequestSession(request, emptyLife(request, "open"))
      // Every JSON-shaped object is an object.
      if (data !== undefined) Verbs.putAll(session, "put", data as object)
      return toService(session)
    })
  )
