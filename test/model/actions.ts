/** What a handler does, as data, with its two readings: by `Session` and by the naive model. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import type { Json } from "../../src/core/session/json.js"
import * as Session from "../../src/Session.js"
import type { Request } from "./model.js"

type Segments = ReadonlyArray<string>

export type Action =
  | { readonly kind: "put"; readonly path: Segments; readonly value: Json }
  | {
      readonly kind: "putFor"
      readonly name: string
      readonly value: Json
      readonly millis: number
    }
  | { readonly kind: "putUntil"; readonly name: string; readonly value: Json; readonly in: number }
  | { readonly kind: "putAll"; readonly entries: ReadonlyArray<readonly [Segments, Json]> }
  | { readonly kind: "replace"; readonly entries: ReadonlyArray<readonly [Segments, Json]> }
  | { readonly kind: "push"; readonly path: Segments; readonly value: Json }
  | { readonly kind: "increment"; readonly path: Segments; readonly by: number }
  | { readonly kind: "modify"; readonly path: Segments; readonly change: keyof typeof changes }
  | { readonly kind: "remember"; readonly path: Segments; readonly value: Json }
  | { readonly kind: "pull"; readonly path: Segments }
  | { readonly kind: "forget"; readonly paths: ReadonlyArray<Segments> }
  | { readonly kind: "flush" }
  | { readonly kind: "flash"; readonly name: string; readonly value: Json }
  | { readonly kind: "flashAll"; readonly entries: ReadonlyArray<readonly [string, Json]> }
  | { readonly kind: "now"; readonly name: string; readonly value: Json }
  | { readonly kind: "keep"; readonly names: ReadonlyArray<string> }
  | { readonly kind: "keepList"; readonly names: ReadonlyArray<string> }
  | { readonly kind: "reflash" }
  | { readonly kind: "flashInput"; readonly value: Json }
  | { readonly kind: "regenerateToken" }
  | { readonly kind: "setPreviousUrl"; readonly url: string }
  | { readonly kind: "pullPreviousUrl" }
  | { readonly kind: "setLifetime"; readonly hours: number | "browser" }
  | { readonly kind: "login"; readonly user: string }
  | { readonly kind: "invalidate" }
  | { readonly kind: "commit" }
  | { readonly kind: "wait"; readonly millis: number }

/** Pure changes for `modify`. */
const changes = {
  wrap: (value: Json | undefined): Json => [value ?? null],
  name: (value: Json | undefined): Json => ({ was: value ?? null }),
  kind: (value: Json | undefined): Json => (value === undefined ? "missing" : typeof value),
  zero: (): Json => 0
}

const key = (path: Segments): Session.Key => Session.path(...path)

// Every value is JSON, which a signature for literal arguments cannot take from a union.
const put = Session.put as (
  key: Session.Key,
  value: Json
) => Effect.Effect<void, never, Session.Session>

const objectOf = (entries: ReadonlyArray<readonly [Segments, Json]>): Record<string, Json> =>
  Object.fromEntries(entries.map(([path, value]) => [path.join("."), value]))

const outcome = (value: Option.Option<Json>): Json | undefined => Option.getOrUndefined(value)

/** The effect of an action; it gives what the operation gives, `undefined` where that is nothing. */
export const real = (
  action: Action,
  clock: { millis: number }
): Effect.Effect<unknown, unknown, Session.Session> => {
  switch (action.kind) {
    case "put":
      return put(key(action.path), action.value)
    case "putFor":
      return Session.put<Json>(action.name, action.value, {
        expiresIn: Duration.millis(action.millis)
      })
    case "putUntil":
      return Session.put<Json>(action.name, action.value, {
        expiresAt: DateTime.unsafeMake(clock.millis + action.in)
      })
    case "putAll":
      return Session.put(objectOf(action.entries))
    case "replace":
      return Session.replace(objectOf(action.entries))
    case "push":
      return Session.push<Json>(key(action.path), action.value)
    case "increment":
      return action.by < 0
        ? Session.decrement(key(action.path), -action.by)
        : Session.increment(key(action.path), action.by)
    case "modify":
      return Session.modify<Json>(key(action.path), (value) =>
        changes[action.change](outcome(value))
      )
    case "remember":
      return Session.remember<Json, never, never>(key(action.path), Effect.succeed(action.value))
    case "pull":
      return Effect.map(Session.pull(key(action.path)), outcome)
    case "forget":
      return Session.forget(...action.paths.map(key))
    case "flush":
      return Session.flush
    case "flash":
      return Session.flash<Json>(action.name, action.value)
    case "flashAll":
      return Session.flash(Object.fromEntries(action.entries))
    case "now":
      return Session.now<Json>(action.name, action.value)
    case "keep":
      return Session.keep(...action.names)
    case "keepList":
      return Session.keep(action.names)
    case "reflash":
      return Session.reflash
    case "flashInput":
      return Session.flashInput({ field: action.value, password: "secret" })
    case "regenerateToken":
      return Session.regenerateToken
    case "setPreviousUrl":
      return Session.setPreviousUrl(action.url)
    case "pullPreviousUrl":
      return Effect.map(Session.pullPreviousUrl, Option.getOrNull)
    case "setLifetime":
      return Session.setLifetime(
        action.hours === "browser" ? "browser" : Duration.hours(action.hours)
      )
    case "login":
      return Session.login(action.user)
    case "invalidate":
      return Effect.asVoid(Session.invalidate)
    case "commit":
      return Session.commit
    case "wait":
      return Effect.sync(() => {
        clock.millis += action.millis
      })
  }
}

/** The action in the model, except for those that reach the store. */
export const modelled = (
  action: Action,
  request: Request,
  clock: { readonly millis: number }
): unknown => {
  switch (action.kind) {
    case "put":
      return request.put(action.path, action.value)
    case "putFor":
      return request.put([action.name], action.value, clock.millis + action.millis)
    case "putUntil":
      return request.put([action.name], action.value, clock.millis + action.in)
    case "putAll":
      return request.putAll(unique(action.entries))
    case "replace":
      return request.replace(unique(action.entries))
    case "push":
      return request.push(action.path, action.value)
    case "increment":
      return request.increment(action.path, action.by)
    case "modify":
      return request.modify(action.path, changes[action.change])
    case "remember":
      return request.remember(action.path, action.value)
    case "pull":
      return request.pull(action.path)
    case "forget":
      return request.forget(action.paths)
    case "flush":
      return request.flush()
    case "flash":
      return request.flash(action.name, action.value)
    case "flashAll":
      for (const [name, value] of Object.entries(Object.fromEntries(action.entries))) {
        request.flash(name, value)
      }
      return
    case "now":
      return request.now(action.name, action.value)
    case "keep":
      return request.keep(action.names.length === 0 ? "all" : action.names)
    case "keepList":
      return request.keep(action.names)
    case "reflash":
      return request.keep("all")
    case "flashInput":
      return request.flashInput({ field: action.value })
    case "regenerateToken":
      return request.regenerateToken()
    case "setPreviousUrl":
      return request.setPreviousUrl(action.url)
    case "pullPreviousUrl":
      return request.pullPreviousUrl()
    case "setLifetime":
      return request.setLifetime(
        action.hours === "browser" ? "browser" : action.hours * 60 * 60 * 1000
      )
    case "login":
      return request.login(action.user)
    case "invalidate":
      request.flush()
      return request.regenerateToken()
    case "commit":
    case "wait":
      return
  }
}

/** The entries an object has in which a path stands twice: the last value, at the first place. */
const unique = (
  entries: ReadonlyArray<readonly [Segments, Json]>
): ReadonlyArray<readonly [Segments, Json]> =>
  Object.entries(objectOf(entries)).map(([text, value]) => [text.split("."), value])

// ---------------------------------------------------------------------------------------------------------------------
// arbitraries
// ---------------------------------------------------------------------------------------------------------------------

const names = ["a", "b", "l"] as const

export const paths: ReadonlyArray<Segments> = [
  ["a"],
  ["b"],
  ["l"],
  ["a", "x"],
  ["a", "x", "y"],
  ["b", "x"],
  ["l", "0"],
  ["l", "1"],
  ["l", "2"],
  ["l", "1", "x"],
  ["l", "word"]
]

const name = fc.constantFrom(...names)
const path = fc.constantFrom(...paths)

const value: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  null,
  0,
  1,
  -7,
  "",
  "text",
  true,
  false,
  [],
  [1, 2, 3],
  [{ x: 1 }, "b", null],
  {},
  { x: 1 },
  { x: { y: [1] }, z: null }
)

const amount = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom(0.5, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, Number.NaN)
)

const entries = fc.array(fc.tuple(path, value), { maxLength: 3 })

const of = <const K extends Action["kind"], A>(
  kind: K,
  fields: { [P in keyof A]: fc.Arbitrary<A[P]> }
) => fc.record({ kind: fc.constant(kind), ...fields })

/** What only changes what is pending. */
export const pending: ReadonlyArray<fc.Arbitrary<Action>> = [
  of("put", { path, value }),
  of("put", { path, value }),
  of("putFor", {
    name,
    value,
    millis: fc.constantFrom(0, 1, 2_000, 9_000, Number.POSITIVE_INFINITY)
  }),
  of("putUntil", { name, value, in: fc.constantFrom(-1, 0, 1, 3_000) }),
  of("putAll", { entries }),
  of("replace", { entries }),
  of("push", { path, value }),
  of("increment", { path, by: amount }),
  of("modify", {
    path,
    change: fc.constantFrom("wrap" as const, "name" as const, "kind" as const, "zero" as const)
  }),
  of("remember", { path, value }),
  of("pull", { path }),
  of("forget", { paths: fc.array(path, { maxLength: 4 }) }),
  of("flush", {}),
  of("flash", { name, value }),
  of("flash", { name, value }),
  of("flashAll", { entries: fc.array(fc.tuple(name, value), { maxLength: 2 }) }),
  of("now", { name, value }),
  of("keep", { names: fc.array(name, { maxLength: 2 }) }),
  of("keepList", { names: fc.array(name, { maxLength: 2 }) }),
  of("reflash", {}),
  of("flashInput", { value }),
  of("regenerateToken", {}),
  of("setPreviousUrl", { url: fc.constantFrom("/one", "/two?a=b") }),
  of("pullPreviousUrl", {}),
  of("setLifetime", { hours: fc.constantFrom(4, 700, "browser" as const) }),
  of("wait", { millis: fc.constantFrom(1, 1_000, 2_500) })
]

/** What acts at once. */
export const atOnce: ReadonlyArray<fc.Arbitrary<Action>> = [
  of("login", { user: fc.constantFrom("ann", "bob") }),
  of("invalidate", {}),
  of("commit", {})
]
