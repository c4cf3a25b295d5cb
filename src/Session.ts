/**
 * The session of the current request: what handlers import.
 *
 * Every operation is a small `Effect` that needs the `Session` service, which `SessionMiddleware` provides. The session is
 * loaded before the handler runs and committed after it, so most operations cannot fail. Operations are recorded. When a
 * parallel request commits first, they run again on what it has stored, so no change is lost.
 *
 * Keys are paths (`"cart.items.0"`), values are JSON. A wrong key, value or argument ends the handler with a defect
 * (HTTP 500), and nothing is stored.
 *
 * **Lifecycle**
 *
 * | call | keeps the id | acts | cookie | data |
 * |---|---|---|---|---|
 * | `flush` | yes | at the commit | unchanged | cleared, user and CSRF token too |
 * | `invalidate` | no | at the commit | new | cleared, user and CSRF token too |
 * | `regenerate` | no | at the commit | new | kept; new CSRF token |
 * | `migrate()` | no; the old id works for another 30 seconds | at the commit | new | kept, CSRF token too |
 * | `migrate({ destroy: true })` | no | at the commit | new | kept, CSRF token too |
 * | `login(userId)` | no | at once | new | a guest's is kept, another user's cleared; new CSRF token |
 * | `destroy` | no, the session ends | at once | unchanged, but worthless | gone |
 * | `logout` | no, the session ends | at once | deleted | gone |
 *
 * What acts at once stays done whatever the response is. After `destroy` and `logout` the request goes on with an empty
 * session. If something is written to it, a new session begins with a new cookie.
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
import type { Json, JsonInput, JsonObject } from "./core/session/json.js"
import * as Path from "./core/session/path.js"
import type { Storable, StorableObject } from "./core/session/storable.js"
import { commit as commitPending } from "./internal/commit/commitPending.js"
import { consume as consumeNow } from "./internal/commit/consume.js"
import { destroy as destroyNow, logout as logoutNow } from "./internal/commit/destroy.js"
import { login as loginNow } from "./internal/commit/login.js"
import {
  SessionConflict,
  SessionDecodeError,
  SessionEncodeError,
  SessionKeyError,
  SessionReauthenticationRequired,
  SessionRefused,
  SessionStoreError,
  SessionTypeError,
  SessionUnauthenticated
} from "./internal/errors/errors.js"
import {
  durationOf,
  expiryOf,
  type Keys,
  lifetimeOf,
  type PutOptions,
  pathOf,
  userIdOf
} from "./internal/session/arguments.js"
import { ended as waitForEnd } from "./internal/session/ended.js"
import * as Lifecycle from "./internal/session/lifecycle.js"
import {
  optionOf,
  use,
  useEffect,
  useInstant,
  useOption,
  useTyped
} from "./internal/session/lift.js"
import { Session, toService } from "./internal/session/tag.js"
import { makeTestSession } from "./internal/session/testSession.js"
import * as Verbs from "./internal/session/verbs.js"

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
   * When a value expires: after a duration, or at an instant.
   *
   * @since 0.1.0
   * @category models
   */
  PutOptions
}
export {
  /**
   * The service that every operation needs.
   *
   * @since 0.1.0
   * @category tags
   */
  Session,
  /**
   * Another request of the session came first, and what this one did no longer fits. Unhandled it answers 409.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionConflict,
  /**
   * A stored value does not have the shape that its schema asks for. Unhandled it answers 500.
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
   * A login was refused: the user has too many sessions, or was revoked meanwhile. Unhandled it answers 403.
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
   * An operation met a value of another kind, or was given a wrong argument. Unhandled it answers 500.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionTypeError,
  /**
   * Nobody is logged in. Unhandled it answers 401.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionUnauthenticated
}

/**
 * The public id of a session: 40 lower-case hex characters. It is no secret: safe to log, useless as a cookie.
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

/**
 * Makes a path of literal segments: `Session.path("a.b", "c")` has two.
 *
 * @since 0.1.0
 * @category constructors
 */
export const path: (...segments: ReadonlyArray<string>) => Path.Path = Path.literal

/**
 * Tells whether a text from outside is a key that every operation accepts.
 *
 * @since 0.1.0
 * @category guards
 */
export const isKey: (text: string) => boolean = Path.isKey

/**
 * Reads a value. A stored `null` is `Some(null)`.
 *
 * With a schema the value is decoded. One that does not fit fails with `SessionDecodeError`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const get: {
  /**
   * Reads a value. A stored `null` is `Some(null)`.
   *
   * @since 0.1.0
   * @category accessors
   */
  (key: Key): Effect.Effect<Option.Option<Json>, never, Session>
  /**
   * Reads a value and decodes it. One that does not fit the schema fails with `SessionDecodeError`.
   *
   * @since 0.1.0
   * @category accessors
   */
  <A, I, R>(
    key: Key,
    schema: Schema.Schema<A, I, R>
  ): Effect.Effect<Option.Option<A>, SessionDecodeError, Session | R>
} = <A, I, R>(key: Key, schema?: Schema.Schema<A, I, R>) => {
  const found = useOption((session) => Verbs.get(session, "get", key))
  // The overloads say which of the two results this is.
  return (schema === undefined ? found : Effect.flatMap(found, decodedBy(schema, key))) as never
}

const decodedBy =
  <A, I, R>(schema: Schema.Schema<A, I, R>, key: Key) =>
  (value: Option.Option<Json>): Effect.Effect<Option.Option<A>, SessionDecodeError, R> =>
    Effect.mapError(
      Effect.transposeMapOption(value, (json) => Schema.decodeUnknown(schema)(json)),
      // The parse error quotes the value, which may be a secret: it is not kept.
      () => new SessionDecodeError({ key: Path.display(key) })
    )

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
  use((session) => Option.getOrElse(optionOf(Verbs.get(session, "getOrElse", key)), otherwise))

/**
 * A copy of all user data and live flash values; never the user, the CSRF secret or other bookkeeping.
 *
 * @since 0.1.0
 * @category accessors
 */
export const all: Effect.Effect<JsonObject, never, Session> = use(Verbs.all)

/**
 * The data under some keys, each in its place.
 *
 * A list stays a list: it has the elements that are named, in their order and without gaps.
 *
 * @since 0.1.0
 * @category accessors
 */
export const only = (...keys: Keys): Effect.Effect<JsonObject, never, Session> =>
  use((session) => Verbs.only(session, keys))

/**
 * The data without some keys.
 *
 * Indexes are those of the stored list: `except("l.0", "l.1")` leaves out the first two elements.
 *
 * @since 0.1.0
 * @category accessors
 */
export const except = (...keys: Keys): Effect.Effect<JsonObject, never, Session> =>
  use((session) => Verbs.except(session, keys))

/**
 * Whether every key is present and not null; 0, "", false and [] count as present. True without keys.
 *
 * @since 0.1.0
 * @category accessors
 */
export const has = (...keys: Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.ask(session, "has", keys))

/**
 * Whether at least one key is present and not null. False without keys.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hasAny = (...keys: Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.ask(session, "hasAny", keys))

/**
 * Whether every key is present, even if null.
 *
 * @since 0.1.0
 * @category accessors
 */
export const exists = (...keys: Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.ask(session, "exists", keys))

/**
 * Whether every key is missing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const missing = (...keys: Keys): Effect.Effect<boolean, never, Session> =>
  use((session) => Verbs.ask(session, "missing", keys))

/**
 * Stores a value, or each entry of an object.
 *
 * **Details**
 *
 * Keys are paths, those of an object too. A scalar in the way of a path is replaced by an object. If one entry of an
 * object is refused, none is stored.
 *
 * With `expiresIn` or `expiresAt` the value is missing from that instant on. The key then has one segment. `increment`,
 * `push` and `modify` keep the expiry; a later `put` without one clears it.
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
  /**
   * Stores a value. A scalar in the way of a path is replaced by an object.
   *
   * With `expiresIn` or `expiresAt` the value is missing from that instant on. The key then has one segment. `increment`,
   * `push` and `modify` keep the expiry; a later `put` without one clears it.
   *
   * @since 0.1.0
   * @category accessors
   */
  <const T>(key: Key, value: Storable<T>, options?: PutOptions): Effect.Effect<void, never, Session>
  /**
   * Stores each entry of an object, whose keys are paths. If one entry is refused, none is stored.
   *
   * @since 0.1.0
   * @category accessors
   */
  <const T>(object: StorableObject<T>): Effect.Effect<void, never, Session>
} = (...args: ReadonlyArray<unknown>): Effect.Effect<void, never, Session> =>
  use((session) => {
    // The overloads say which of the two calls this is.
    if (args.length === 1) return Verbs.putAll(session, "put", args[0] as object)
    const [key, value, options] = args as [Key, unknown, PutOptions | undefined]
    return Verbs.put(session, "put", key, value, expiryOf(session, options))
  })

/**
 * Appends to a list; missing or null becomes a list of one. Fails with `SessionTypeError` on anything else.
 *
 * @since 0.1.0
 * @category accessors
 */
export const push = <const T>(
  key: Key,
  value: Storable<T>
): Effect.Effect<void, SessionTypeError, Session> =>
  useTyped((session) => Verbs.push(session, key, value))

/**
 * Adds to a number and gives the new one; missing or null is 0.
 *
 * What parallel requests add is added too, so the stored number may be higher than the one given here. Fails with
 * `SessionTypeError` where something else than a number is stored, or the result is not a safe finite number.
 *
 * @since 0.1.0
 * @category accessors
 */
export const increment = (key: Key, by = 1): Effect.Effect<number, SessionTypeError, Session> =>
  useTyped((session) => Verbs.add(session, "increment", key, by))

/**
 * Subtracts from a number and gives the new one; otherwise as `increment`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const decrement = (key: Key, by = 1): Effect.Effect<number, SessionTypeError, Session> =>
  useTyped((session) => Verbs.add(session, "decrement", key, -by))

/**
 * Changes a value by a pure function and gives the new one.
 *
 * When a parallel request commits first, the function runs again on what that one has stored. So it must do nothing but
 * compute.
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
  f: (current: Option.Option<Json>) => Storable<T>
): Effect.Effect<Json, never, Session> =>
  use((session) => {
    const change = Verbs.changing(session, (current) => f(optionOf(current)))
    return Verbs.modify(session, "modify", key, change)
  })

/**
 * Gives the value. Where it is missing or null, runs `effect` and stores its result.
 *
 * If a value is stored meanwhile, that one stays and is given.
 *
 * @since 0.1.0
 * @category accessors
 */
export const remember = <const T, E, R>(
  key: Key,
  effect: Effect.Effect<Storable<T>, E, R>
): Effect.Effect<Json, E, R | Session> =>
  useEffect((session) => {
    const value = Verbs.get(session, "remember", key) ?? null
    return value === null
      ? Effect.map(effect, (made) => Verbs.putMissing(session, key, made))
      : Effect.succeed(value)
  })

/**
 * Reads a value and removes it, a flash too. Two parallel requests may both see it; `consume` gives it to one only.
 *
 * @since 0.1.0
 * @category accessors
 */
export const pull = (key: Key): Effect.Effect<Option.Option<Json>, never, Session> =>
  useOption((session) => Verbs.pull(session, key))

/**
 * Takes a value out of the stored session at once, so that of parallel requests exactly one gets it: for one-time codes.
 *
 * It also finds a value that was stored after this request began. What else is pending stays pending. A value that this
 * request itself has put and not yet committed is taken from what is pending.
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
  useEffect((session) => consumeNow(session, pathOf("consume", key), Path.display(key)))

/**
 * Removes keys, flash too. An absent key is no error, and an emptied parent stays.
 *
 * Removing an element of a list closes the gap. Several indexes in one call are those before the call.
 *
 * @since 0.1.0
 * @category accessors
 */
export const forget = (...keys: Keys): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.forget(session, "forget", keys))

/**
 * Clears data, flash, user, CSRF token and previous URL; the id stays.
 *
 * @since 0.1.0
 * @category accessors
 */
export const flush: Effect.Effect<void, never, Session> = use(Lifecycle.flush)

/**
 * Replaces all data by the entries of an object.
 *
 * @since 0.1.0
 * @category accessors
 */
export const replace = <const T>(object: StorableObject<T>): Effect.Effect<void, never, Session> =>
  // Every JSON-shaped object is an object.
  use((session) => Verbs.replace(session, object as object))

/**
 * Stores a value, or each entry of an object, for the rest of this request and the whole next one.
 *
 * Keys have one segment. While a flash value lives, it hides a stored value of the same key; `put` of that key ends it.
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
  /**
   * Stores a value for the rest of this request and the whole next one. The key has one segment.
   *
   * @since 0.1.0
   * @category flash
   */
  <const T>(key: Key, value: Storable<T>): Effect.Effect<void, never, Session>
  /**
   * Stores each entry of an object for the rest of this request and the whole next one. If one entry is refused, none is
   * stored.
   *
   * @since 0.1.0
   * @category flash
   */
  <const T>(object: StorableObject<T>): Effect.Effect<void, never, Session>
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
export const now = <const T>(key: Key, value: Storable<T>): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.flash(session, "now", key, value))

/**
 * Keeps all flash values, those of `now` too, for one more request.
 *
 * @since 0.1.0
 * @category flash
 */
export const reflash: Effect.Effect<void, never, Session> = use((session) =>
  Verbs.keep(session, [])
)

/**
 * Keeps some flash values for one more request; without keys all of them. An empty list of keys keeps nothing.
 *
 * @since 0.1.0
 * @category flash
 */
export const keep = (...keys: Keys): Effect.Effect<void, never, Session> =>
  use((session) => Verbs.keep(session, keys))

/**
 * Keeps form input for the next request, so that the form can be filled in again.
 *
 * Fields that are named like passwords, tokens or the numbers of cards are left out, inside objects too. Names come from
 * outside: a dot or a bracket in one is a character like any other, and a field `__proto__` is left out.
 *
 * @since 0.1.0
 * @category flash
 */
export const flashInput = <const T>(
  object: StorableObject<T>
): Effect.Effect<void, never, Session> =>
  // Every JSON-shaped object is an object.
  use((session) => Verbs.flashInput(session, object as object))

/**
 * Reads form input that the request before has kept, by the name of the field as it was sent.
 *
 * A name is no path: `old("address.street")` and `old("address[street]")` find the fields of just these names. A
 * `Session.path` leads into an object of the input.
 *
 * @since 0.1.0
 * @category flash
 */
export const old = (name: Key): Effect.Effect<Option.Option<Json>, never, Session> =>
  useOption((session) => Verbs.old(session, name))

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
export const start: Effect.Effect<void, never, Session> = use(Lifecycle.start)

/**
 * Whether the request came without a stored session.
 *
 * `login` and `commit` do not change the answer. After `destroy` and `logout` it is true.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const isNew: Effect.Effect<boolean, never, Session> = use((session) => session.life.isNew)

/**
 * Waits until the session is over, for requests that stay open such as websockets.
 *
 * **Details**
 *
 * It is over once it was logged out, destroyed or revoked, has expired, or lives on under an id that is not this
 * client's: after a login or `regenerate`. A `migrate` is followed. Without a stored session the wait ends at once.
 *
 * The store is asked every ten seconds, so any server may have ended the session. While the store fails, the wait goes
 * on. An open connection is no activity: it does not keep the session from expiring.
 *
 * @example
 * ```ts
 * import { HttpServerRequest, HttpServerResponse, Socket } from "@effect/platform"
 * import { Effect, Schedule, Stream } from "effect"
 * import { Session } from "effect-session"
 *
 * const ticks = Stream.map(Stream.fromSchedule(Schedule.spaced("1 second")), (count) => `${count}`)
 *
 * export const live = Effect.gen(function*() {
 *   const socket = yield* HttpServerRequest.upgrade
 *   const sending = Stream.pipeThroughChannel(ticks, Socket.toChannel(socket))
 *   yield* Effect.raceFirst(Stream.runDrain(sending), Session.ended)
 *   return HttpServerResponse.empty()
 * })
 * ```
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const ended: Effect.Effect<void, never, Session> = useEffect((session) =>
  waitForEnd(session, "10 seconds")
)

/**
 * As `ended`, asking the store every `interval`. Keep it shorter than `rotationGrace`, so that a `migrate` is seen. Dies with a
 * `SessionConfigError` if it is no duration of at least 1 millisecond.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const endedWith = ({
  interval
}: {
  readonly interval: Duration.DurationInput
}): Effect.Effect<void, never, Session> => useEffect((session) => waitForEnd(session, interval))

/**
 * Gives the session a new id, cookie and CSRF token; data and flash are kept. Creates the session where there is none.
 *
 * Call it when a user's privileges change; `login` does it by itself. Once this is committed, the old id is dead on every
 * server.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const regenerate: Effect.Effect<SessionId, never, Session> = use((session) =>
  Lifecycle.regenerate(session, "regenerate")
)

/**
 * Gives the session a new id and keeps the CSRF token: renewal without a login. Creates the session where there is none.
 *
 * **Details**
 *
 * The old id works on for the grace period (`rotationGrace`, 30 seconds), so that parallel requests are not cut off.
 * While it does, another `migrate` keeps the id.
 *
 * With `destroy: true` the old id is dead on every server once this is committed.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const migrate = (
  options: { readonly destroy?: boolean | undefined } = {}
): Effect.Effect<SessionId, never, Session> =>
  use((session) => Lifecycle.migrate(session, options.destroy ?? false))

/**
 * Clears everything, as `flush` does, and gives a new id and CSRF token, as `regenerate` does.
 *
 * It creates no session where there is none.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const invalidate: Effect.Effect<SessionId, never, Session> = use(Lifecycle.invalidate)

/**
 * Ends the session at once, on every server.
 *
 * Parallel requests can no longer store anything in it. This request goes on with an empty session, which is stored only
 * if something is written.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const destroy: Effect.Effect<void, SessionStoreError, Session> = useEffect((session) =>
  destroyNow(session, "destroy")
)

/**
 * Logs a user in, at once: under a new id, with a new CSRF token, and with all timeouts started afresh.
 *
 * **Details**
 *
 * What was recorded before is committed too. A guest's data is kept, another user's is cleared. `userId` has 1 to 255
 * bytes.
 *
 * `remember` is the lifetime of the session, as for `setLifetime`. Without it the session lives as configured; but where
 * the same user is logged in already, its lifetime stays. `"browser"` ends a longer one.
 *
 * Fails with `SessionRefused` when the user was revoked after this request began, or has as many sessions as
 * `maxSessionsPerUser` allows, with `onLimit: "reject"`. The session is then as it was before. Only where the reason came
 * up while the login was stored, the session has ended, with the guest's data.
 *
 * After a `SessionStoreError` nobody is logged in by this request, and no cookie of the login is sent.
 *
 * Once the response head has left (a websocket, a streamed body) no cookie can be sent, and `login` ends with a defect.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const loggedIn = (user: { readonly id: string }, rememberMe: boolean) =>
 *   Effect.as(
 *     Session.login(user.id, { remember: rememberMe ? "30 days" : "browser" }),
 *     HttpServerResponse.redirect("/")
 *   )
 * ```
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const login = (
  userId: string,
  { remember }: { readonly remember?: Duration.DurationInput | "browser" | undefined } = {}
): Effect.Effect<void, SessionStoreError | SessionRefused, Session> =>
  useEffect((session) => {
    const lifetime = remember === undefined ? null : lifetimeOf("login", remember)
    return loginNow(session, userIdOf(userId), lifetime)
  })

/**
 * Logs out: destroys the session at once and lets the response delete the cookie, whatever its status.
 *
 * If the request then begins a new session (a flash that says good-bye), its response carries that cookie instead.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const logout: Effect.Effect<void, SessionStoreError, Session> = useEffect((session) =>
  logoutNow(session)
)

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
 * The user's id, for handlers and middlewares that need somebody.
 *
 * Where nobody is logged in, it fails with `SessionUnauthenticated` (401).
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const account = Session.requireUser.pipe(
 *   Effect.flatMap((userId) => HttpServerResponse.json({ userId })),
 *   Effect.catchTag("SessionUnauthenticated", () =>
 *     Effect.succeed(HttpServerResponse.redirect("/login"))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const requireUser: Effect.Effect<string, SessionUnauthenticated, Session> = useEffect(
  (session) => {
    const { userId } = session.life.state
    return userId === null ? new SessionUnauthenticated() : Effect.succeed(userId)
  }
)

/**
 * When the user last logged in; none where nobody is logged in.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const authenticatedAt: Effect.Effect<Option.Option<DateTime.Utc>, never, Session> = use(
  (session) =>
    Option.map(Option.fromNullable(Lifecycle.authenticatedAt(session)), (atMillis) =>
      DateTime.unsafeMake(atMillis)
    )
)

/**
 * Lets a handler go on only where the last login is at most `duration` ago: before a password is changed or a payment
 * is made.
 *
 * Otherwise, and where nobody is logged in, it fails with `SessionReauthenticationRequired` (403). A `login` of the same
 * user satisfies it, and keeps the data and the lifetime.
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
    const millis = durationOf("requireRecentLogin", duration)
    const reason = Lifecycle.loginRequired(session, millis)
    return reason === null ? Effect.void : new SessionReauthenticationRequired({ reason })
  })

/**
 * When the session was created; for one that is not stored yet, this request.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const createdAt: Effect.Effect<DateTime.Utc, never, Session> = useInstant(
  Lifecycle.createdAt
)

/**
 * The last activity that is stored; it moves at most once per touch interval.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const lastActivity: Effect.Effect<DateTime.Utc, never, Session> = useInstant(
  Lifecycle.lastActivity
)

/**
 * When the session ends if nothing more happens: the earlier of its idle and its absolute timeout.
 *
 * For a stored session this is what is stored; a pending `setLifetime` moves it at the commit.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const expiresAt: Effect.Effect<DateTime.Utc, never, Session> = useInstant(
  Lifecycle.expiresAt
)

/**
 * Sets how long this session lives.
 *
 * A duration (at most 100 years) becomes its idle and its absolute timeout, and the cookie lasts as long. `"browser"`
 * means the configured timeouts, and a cookie that ends with the browser.
 *
 * @since 0.1.0
 * @category lifecycle
 */
export const setLifetime = (
  lifetime: Duration.DurationInput | "browser"
): Effect.Effect<void, never, Session> =>
  use((session) => Lifecycle.setLifetime(session, lifetimeOf("setLifetime", lifetime)))

/**
 * A CSRF token for a form or a header, masked anew each time. Creates the session where there is none.
 *
 * @since 0.1.0
 * @category csrf
 */
export const csrfToken: Effect.Effect<string, never, Session> = use(Lifecycle.csrfToken)

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
export const regenerateToken: Effect.Effect<void, never, Session> = use(Lifecycle.regenerateToken)

/**
 * Whether a text is a CSRF token of this session. The text may be anything; the comparison takes constant time.
 *
 * @since 0.1.0
 * @category csrf
 */
export const verifyToken = (text: string): Effect.Effect<boolean, never, Session> =>
  use((session) => Lifecycle.verifyToken(session, text))

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
 * The page remembered by `setPreviousUrl`, which is forgotten: where to go after a login, once.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect, Option } from "effect"
 * import { Session } from "effect-session"
 *
 * export const toTheIntendedPage = Effect.map(Session.pullPreviousUrl, (page) =>
 *   HttpServerResponse.redirect(Option.getOrElse(page, () => "/"), { status: 303 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const pullPreviousUrl: Effect.Effect<Option.Option<string>, never, Session> = use(
  (session) => Option.fromNullable(Verbs.pullPreviousUrl(session))
)

/**
 * Remembers a page of this origin, as a path or as a URL of the request's own host (or of `origin`, if given).
 *
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
 * Commits now what is pending, instead of at the end of the request, and gives the errors as failures.
 *
 * **Details**
 *
 * A commit that is refused (`SessionConflict`, `SessionEncodeError`) is rolled back, as a transaction is: what was pending
 * is dropped, and the session is again what is stored.
 *
 * A `SessionStoreError` can leave nobody able to tell what is stored. Then the request's session is given up: it is empty
 * from there on, nothing more is committed, and later calls that need the store fail with the same error. The answer is
 * 503 unless the handler answers itself.
 *
 * A commit that has begun is not interrupted. A timeout around it waits for it: two seconds for each call of the store at most.
 *
 * Flash values are aged only once, at the end of the request.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * export const reserve = Session.increment("seats").pipe(
 *   Effect.zipRight(Session.commit),
 *   Effect.as(HttpServerResponse.text("reserved")),
 *   Effect.catchTag("SessionConflict", () => HttpServerResponse.text("try again", { status: 409 }))
 * )
 * ```
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
 * Provides a session for tests of handlers, without HTTP and with a store of its own that nothing else sees.
 *
 * **Details**
 *
 * It holds `data`, not yet committed, and belongs to nobody.
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
export const layerTest = <const T>(data?: StorableObject<T>): Layer.Layer<Session> =>
  testLayer(data)

/**
 * As `layerTest`, with a user who is logged in.
 *
 * **Details**
 *
 * `userId` is logged in as by `Session.login`, when the layer is built. The session is then a stored one, with its `data`.
 * `flash` is what the request before has flashed.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Session } from "effect-session"
 *
 * const program = Session.requireUser
 *
 * export const ada = Effect.runPromise(
 *   Effect.provide(program, Session.layerTestWith({ userId: "ada", data: { theme: "dark" } }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const layerTestWith = <const T, const F>(options: {
  readonly data?: StorableObject<T> | undefined
  readonly flash?: StorableObject<F> | undefined
  readonly userId?: string | undefined
}): Layer.Layer<Session> => testLayer(options.data, options)

const testLayer = (
  data: unknown,
  { flash, userId }: { readonly flash?: unknown; readonly userId?: string | undefined } = {}
): Layer.Layer<Session> =>
  Layer.effect(
    Session,
    Effect.flatMap(makeTestSession, (session) => {
      // Every JSON-shaped object is an object.
      if (data !== undefined) Verbs.putAll(session, "put", data as object)
      if (flash !== undefined) Verbs.flashAll(session, flash as object)
      const loggedIn =
        userId === undefined ? Effect.void : loginNow(session, userIdOf(userId), null)
      return Effect.as(Effect.orDie(loggedIn), toService(session))
    })
  )
