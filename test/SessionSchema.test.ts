import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import type { YieldWrap } from "effect/Utils"
import type { RequestContext } from "../src/internal/commit/RequestContext.js"
import { emptyLife, RequestSession } from "../src/internal/commit/RequestSession.js"
import { compile } from "../src/internal/config/compile.js"
import { load } from "../src/internal/request/load.js"
import { toService } from "../src/internal/session/tag.js"
import { makeMemory } from "../src/internal/store/memory/store.js"
import * as Session from "../src/Session.js"
import { SessionConfig } from "../src/SessionConfig.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionStore from "../src/SessionStore.js"

const Item = Schema.Struct({ sku: Schema.String, count: Schema.Number })

const fields = {
  theme: Schema.Literal("light", "dark"),
  visits: Schema.Number,
  small: Schema.Number.pipe(Schema.between(0, 10)),
  since: Schema.Date,
  nullable: Schema.NullOr(Schema.Array(Schema.String)),
  cart: Schema.Struct({
    items: Schema.optional(Schema.Array(Item)),
    since: Schema.optional(Schema.Date)
  })
}

const Typed = Session.schema(fields)
const Strict = Session.schema(fields, { onInvalid: "fail" })

const at = new Date("2030-01-02T03:04:05.000Z")
const some = Option.some
const none = Option.none()

type Body<A> = () => Generator<
  YieldWrap<Effect.Effect<unknown, unknown, Session.Session | Scope.Scope>>,
  A
>

/** A test whose session holds `data`, with events of its own. */
const claim = <A>(name: string, data: Session.JsonObject, body: Body<A>) =>
  it.scoped(name, () =>
    Effect.gen(body).pipe(
      Effect.provide(Session.layerTest(data)),
      Effect.provide(SessionEvents.layer)
    )
  )

const defectOf = <A, E>(effect: Effect.Effect<A, E, Session.Session>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit) || !Cause.isDie(exit.cause)) throw new Error("it did not die")
    return Cause.squash(exit.cause)
  })

/** Tells the names of the events that are published from now on. */
const listen = Effect.gen(function* () {
  const subscription = yield* PubSub.subscribe(yield* SessionEvents.SessionEvents)
  return Effect.map(Queue.takeAll(subscription), (events) =>
    Array.from(events, (event) => event._tag)
  )
})

const decodeError = { _tag: "SessionDecodeError" }

describe("reading", () => {
  claim("gives the decoded value of what is stored encoded", {}, function* () {
    yield* Typed.put("since", at)

    expect(yield* Session.get("since")).toEqual(some(at.toISOString()))
    expect(yield* Typed.get("since")).toEqual(some(at))
  })

  claim("encodes and decodes nested values", {}, function* () {
    yield* Typed.put("cart.since", at)
    yield* Typed.push("cart.items", { sku: "a", count: 1 })

    expect(yield* Session.get("cart.since")).toEqual(some(at.toISOString()))
    expect(yield* Typed.get("cart")).toEqual(some({ since: at, items: [{ sku: "a", count: 1 }] }))
  })

  claim("gives a default only where the value is missing", { visits: 0 }, function* () {
    expect(yield* Typed.getOrElse("visits", () => 7)).toBe(0)
    expect(yield* Typed.getOrElse("theme", () => "dark" as const)).toBe("dark")
    expect(yield* Typed.exists("theme")).toBe(false)
  })

  const data = { visits: 1, since: at.toISOString(), other: { kept: [1] } }

  claim("all gives the decoded values of the schema's keys that are there", data, function* () {
    expect(yield* Typed.all).toEqual({ visits: 1, since: at })
  })

  claim("only and except choose among them", data, function* () {
    expect(yield* Typed.only("visits", "theme")).toEqual({ visits: 1 })
    expect(yield* Typed.only(["since"])).toEqual({ since: at })
    expect(yield* Typed.except("since")).toEqual({ visits: 1 })
    expect(yield* Typed.except(["visits", "theme"])).toEqual({ since: at })
  })

  claim("has, hasAny, exists and missing take several paths", { visits: 0 }, function* () {
    expect(yield* Typed.has("visits")).toBe(true)
    expect(yield* Typed.has("visits", "cart.items")).toBe(false)
    expect(yield* Typed.hasAny(["visits", "theme"])).toBe(true)
    expect(yield* Typed.missing("theme", "cart.items")).toBe(true)
    expect(yield* Typed.missing("theme", "visits")).toBe(false)
  })

  claim("without paths has is true and hasAny is false", {}, function* () {
    expect(yield* Typed.has()).toBe(true)
    expect(yield* Typed.hasAny()).toBe(false)
  })

  claim("has does not count a stored null, exists does", { nullable: null }, function* () {
    expect(yield* Typed.has("nullable")).toBe(false)
    expect(yield* Typed.exists("nullable")).toBe(true)
    expect(yield* Typed.get("nullable")).toEqual(some(null))
  })

  claim("sees a flash before the data", { visits: 1 }, function* () {
    yield* Typed.flash("visits", 2)

    expect(yield* Typed.get("visits")).toEqual(some(2))
    expect(yield* Typed.all).toEqual({ visits: 2 })
  })
})

describe("writing", () => {
  claim("put stores an object of values by path", {}, function* () {
    yield* Typed.put({ theme: "dark", "cart.since": at })

    expect(yield* Session.all).toEqual({ theme: "dark", cart: { since: at.toISOString() } })
  })

  claim("put of an object stores nothing where one value does not encode", {}, function* () {
    const defect = yield* defectOf(Typed.put({ visits: 1, small: 11 }))

    expect(defect).toMatchObject({ _tag: "SessionEncodeError", operation: "put", key: "small" })
    expect(yield* Session.all).toEqual({})
  })

  claim("put of an object stores nothing where one value is not JSON", {}, function* () {
    const defect = yield* defectOf(Typed.put({ theme: "dark", visits: Number.NaN }))

    expect(defect).toMatchObject({ _tag: "SessionEncodeError", operation: "put", key: "visits" })
    expect(yield* Session.all).toEqual({})
  })

  claim("put takes an expiry, which a change keeps and a later put clears", {}, function* () {
    yield* Typed.put("visits", 1, { expiresIn: "1 minute" })
    yield* Typed.increment("visits")
    yield* Typed.put("theme", "dark", { expiresAt: DateTime.unsafeMake(60_000) })
    yield* Typed.put("theme", "light")

    yield* TestClock.adjust("1 minute")

    expect(yield* Typed.all).toEqual({ theme: "light" })
  })

  claim("flash stores all values of an object, or none", {}, function* () {
    yield* Typed.flash({ theme: "dark", since: at })
    expect(yield* Session.get("since")).toEqual(some(at.toISOString()))

    const defect = yield* defectOf(Typed.flash({ theme: "light", small: -1 }))

    expect(defect).toMatchObject({ _tag: "SessionEncodeError", operation: "flash", key: "small" })
    expect(yield* Typed.get("theme")).toEqual(some("dark"))
  })

  claim("now and keep work on encoded values", {}, function* () {
    yield* Typed.now("since", at)
    yield* Typed.keep("since")

    expect(yield* Typed.get("since")).toEqual(some(at))
  })

  claim("leaves keys outside the schema untouched", { visits: 1, other: [1] }, function* () {
    yield* Typed.put("theme", "dark")
    yield* Typed.forget("visits", ["cart.items"])

    expect(yield* Session.all).toEqual({ theme: "dark", other: [1] })
  })

  claim("ends with a SessionKeyError where there is no such field", {}, function* () {
    // Plain JavaScript may say anything.
    for (const path of ["other", "cart.other", "theme.x", "__proto__", "toString", ""]) {
      const defect = yield* defectOf(Typed.get(path as never))

      expect(defect).toMatchObject({ _tag: "SessionKeyError", operation: "get", key: path })
    }
  })

  it("refuses a field whose name is no segment", () => {
    // Plain JavaScript may say anything.
    const bad = { "a.b": Schema.String } as never

    expect(() => Session.schema(bad)).toThrow(Session.SessionKeyError)
  })
})

describe("changing", () => {
  claim("modify hands the decoded value and gives the new one", {}, function* () {
    expect(yield* Typed.modify("since", () => at)).toEqual(at)

    const later = yield* Typed.modify("since", (current) => {
      const time = Option.getOrThrow(current).getTime()
      return new Date(time + 1000)
    })

    expect(later).toEqual(new Date(at.getTime() + 1000))
  })

  const newer = { cart: { items: [{ sku: "a", count: 1, colour: "red" }], coupon: "X" } }

  claim("modify keeps properties a newer deploy has stored", newer, function* () {
    yield* Typed.modify("cart", (cart) => ({ ...Option.getOrThrow(cart), since: at }))
    yield* Typed.push("cart.items", { sku: "b", count: 1 })

    expect(yield* Session.get("cart")).toEqual(
      some({
        items: [
          { sku: "a", count: 1, colour: "red" },
          { sku: "b", count: 1 }
        ],
        coupon: "X",
        since: at.toISOString()
      })
    )
  })

  claim("get does not show them", newer, function* () {
    expect(yield* Typed.get("cart")).toEqual(some({ items: [{ sku: "a", count: 1 }] }))
  })

  claim("modify to a value that does not encode changes nothing", { small: 1 }, function* () {
    const defect = yield* defectOf(Typed.modify("small", () => 11))

    expect(defect).toMatchObject({ _tag: "SessionEncodeError", operation: "modify", key: "small" })
    expect(yield* Session.all).toEqual({ small: 1 })
  })

  claim("increment and decrement count from 0", {}, function* () {
    expect(yield* Typed.increment("visits", 3)).toBe(3)
    expect(yield* Typed.decrement("visits")).toBe(2)
  })

  claim("increment beyond what is safe fails and changes nothing", {}, function* () {
    yield* Typed.put("visits", Number.MAX_SAFE_INTEGER)

    const error = yield* Effect.flip(Typed.increment("visits"))

    expect(error).toMatchObject({ _tag: "SessionTypeError", operation: "increment" })
    expect(yield* Typed.get("visits")).toEqual(some(Number.MAX_SAFE_INTEGER))
  })

  claim("increment out of the schema's range is a defect", { small: 10 }, function* () {
    const defect = yield* defectOf(Typed.increment("small"))

    expect(defect).toMatchObject({ _tag: "SessionEncodeError", key: "small" })
    expect(yield* Session.all).toEqual({ small: 10 })
  })

  claim("push makes a list of missing or null", { nullable: null }, function* () {
    yield* Typed.push("nullable", "a")
    yield* Typed.push("cart.items", { sku: "a", count: 1 })

    expect(yield* Session.all).toEqual({
      nullable: ["a"],
      cart: { items: [{ sku: "a", count: 1 }] }
    })
  })

  claim("remember gives a stored value without running the effect", { visits: 0 }, function* () {
    expect(yield* Typed.remember("visits", Effect.die("it ran"))).toBe(0)
  })

  claim(
    "remember stores the effect's value for missing and null",
    { nullable: null },
    function* () {
      expect(yield* Typed.remember("since", Effect.succeed(at))).toEqual(at)
      expect(yield* Typed.remember("nullable", Effect.succeed(["a"]))).toEqual(["a"])

      expect(yield* Session.all).toEqual({ since: at.toISOString(), nullable: ["a"] })
    }
  )

  claim("remember gives way to a value that was stored meanwhile", {}, function* () {
    const value = yield* Typed.remember("visits", Effect.as(Typed.put("visits", 1), 2))

    expect(value).toBe(1)
  })
})

describe("taking away", () => {
  claim("pull gives the decoded value once", { since: at.toISOString() }, function* () {
    expect(yield* Typed.pull("since")).toEqual(some(at))
    expect(yield* Typed.pull("since")).toEqual(none)
  })

  claim("consume gives the decoded value once", { since: at.toISOString() }, function* () {
    yield* Session.commit

    expect(yield* Typed.consume("since")).toEqual(some(at))
    expect(yield* Typed.consume("since")).toEqual(none)
  })
})

describe("a stored value that does not fit its schema", () => {
  const data = { theme: "crimson", visits: "1", cart: { items: "none", since: at.toISOString() } }

  claim("counts as missing for every reader", data, function* () {
    expect(yield* Typed.get("theme")).toEqual(none)
    expect(yield* Typed.getOrElse("theme", () => "dark" as const)).toBe("dark")
    expect(yield* Typed.has("theme")).toBe(false)
    expect(yield* Typed.exists("theme")).toBe(false)
    expect(yield* Typed.missing("theme", "visits")).toBe(true)
    expect(yield* Typed.all).toEqual({})
  })

  claim("leaves what beside it fits", data, function* () {
    expect(yield* Typed.get("cart.items")).toEqual(none)
    expect(yield* Typed.get("cart.since")).toEqual(some(at))
  })

  claim("is replaced by a change, with one event", data, function* () {
    const events = yield* listen

    expect(yield* Typed.increment("visits")).toBe(1)

    expect(yield* events).toEqual(["PayloadDiscarded"])
  })

  claim("is replaced by push, modify and remember", data, function* () {
    const events = yield* listen

    yield* Typed.push("cart.items", { sku: "a", count: 1 })
    yield* Typed.modify("visits", (current) => (Option.isNone(current) ? 5 : 0))
    yield* Typed.remember("theme", Effect.succeed("dark" as const))

    expect(yield* Typed.only("theme", "visits")).toEqual({ theme: "dark", visits: 5 })
    expect(yield* Typed.get("cart.items")).toEqual(some([{ sku: "a", count: 1 }]))
    expect(yield* events).toEqual(["PayloadDiscarded", "PayloadDiscarded", "PayloadDiscarded"])
  })

  claim("is announced without its content", data, function* () {
    const subscription = yield* PubSub.subscribe(yield* SessionEvents.SessionEvents)

    yield* Typed.get("theme")

    const event = yield* Queue.take(subscription)
    expect(event).toMatchObject({ _tag: "PayloadDiscarded", id: yield* Session.id })
    expect(JSON.stringify(event)).not.toContain("crimson")
  })

  claim("gives way where it is a list in the way of a path", { cart: [1] }, function* () {
    yield* Typed.put("cart.since", at)
    expect(yield* Typed.get("cart")).toEqual(some({ since: at }))
    yield* Session.put("cart", [1])

    yield* Typed.push("cart.items", { sku: "a", count: 1 })

    expect(yield* Typed.get("cart")).toEqual(some({ items: [{ sku: "a", count: 1 }] }))
  })
})

describe('a stored value that does not fit its schema, with onInvalid: "fail"', () => {
  const data = { theme: "crimson", visits: "1", cart: { items: "none" }, since: "soon" }

  claim("fails everything that needs it and stays as it is", data, function* () {
    const effects: ReadonlyArray<Effect.Effect<unknown, unknown, Session.Session>> = [
      Strict.get("theme"),
      Strict.getOrElse("theme", () => 1),
      Strict.all,
      Strict.only("theme"),
      Strict.except("cart"),
      Strict.has("theme"),
      Strict.hasAny("theme"),
      Strict.exists("theme"),
      Strict.missing("theme"),
      Strict.modify("theme", () => "dark" as const),
      Strict.push("cart.items", { sku: "a", count: 1 }),
      Strict.increment("visits"),
      Strict.decrement("visits"),
      Strict.remember("theme", Effect.die("it ran")),
      Strict.pull("theme"),
      Strict.consume("theme")
    ]
    for (const effect of effects) {
      expect(yield* Effect.flip(effect)).toMatchObject(decodeError)
    }
    expect(yield* Session.all).toEqual(data)
  })

  claim("fails whichever of several paths it stands at", data, function* () {
    expect(yield* Effect.flip(Strict.has("small", "theme"))).toMatchObject(decodeError)
    expect(yield* Effect.flip(Strict.has("theme", "small"))).toMatchObject(decodeError)
  })

  claim("is not looked at where a null counts as missing", { theme: null }, function* () {
    expect(yield* Strict.has("theme")).toBe(false)
    expect(yield* Effect.flip(Strict.exists("theme"))).toMatchObject(decodeError)
  })

  claim("stays in the store where consume fails on it", data, function* () {
    yield* Session.commit

    expect(yield* Effect.flip(Strict.consume("theme"))).toMatchObject({ key: "theme" })

    expect(yield* Session.all).toEqual(data)
  })

  claim("is not told by the error", data, function* () {
    const error = yield* Effect.flip(Strict.get("theme"))

    expect(`${error} ${JSON.stringify(error)}`).not.toContain("crimson")
  })

  claim("is replaced by put and removed by forget", data, function* () {
    yield* Strict.put("theme", "dark")
    yield* Strict.forget("visits", "cart", "since")

    expect(yield* Strict.all).toEqual({ theme: "dark" })
  })

  claim("is none where there is nothing", {}, function* () {
    expect(yield* Strict.get("theme")).toEqual(none)
    expect(yield* Strict.modify("visits", () => 1)).toBe(1)
  })
})

/** Puts a value and reads it again, after a commit, so that it went through the text of a payload. */
const again = <A>(
  put: Effect.Effect<void, never, Session.Session>,
  get: Effect.Effect<Option.Option<A>, never, Session.Session>
) => Effect.zipRight(Effect.zipRight(put, Session.commit), Effect.map(get, Option.getOrThrow))

describe("kinds of fields", () => {
  class Person extends Schema.Class<Person>("Person")({ name: Schema.String, born: Schema.Date }) {
    get greeting() {
      return `Hello ${this.name}`
    }
  }
  interface Category {
    readonly name: string
    readonly children: ReadonlyArray<Category>
  }
  const Category = Schema.Struct({
    name: Schema.String,
    children: Schema.Array(Schema.suspend((): Schema.Schema<Category> => Category))
  })
  const Kinds = Session.schema({
    person: Person,
    category: Category,
    either: Schema.Union(Schema.Struct({ a: Schema.String }), Schema.Number),
    counts: Schema.Record({ key: Schema.String, value: Schema.Number }),
    sku: Schema.String.pipe(Schema.brand("Sku")),
    at: Schema.DateTimeUtc,
    big: Schema.BigInt,
    names: Schema.NonEmptyArray(Schema.String),
    code: Schema.String.pipe(Schema.pattern(/^\d+$/))
  })

  claim("a class comes back as an instance", {}, function* () {
    const person = new Person({ name: "Ann", born: at })

    const read = yield* again(Kinds.put("person", person), Kinds.get("person"))

    expect(read).toBeInstanceOf(Person)
    expect(read.greeting).toBe("Hello Ann")
    expect(yield* Session.get("person")).toEqual(some({ name: "Ann", born: at.toISOString() }))
  })

  claim("a class is modified as an instance", {}, function* () {
    yield* Kinds.put("person", new Person({ name: "Ann", born: at }))

    const changed = yield* Kinds.modify("person", (person) => {
      const { born, name } = Option.getOrThrow(person)
      return new Person({ name: `${name}a`, born })
    })

    expect(changed).toEqual(new Person({ name: "Anna", born: at }))
  })

  claim("a recursive schema comes back", {}, function* () {
    const tree = { name: "a", children: [{ name: "b", children: [] }] }

    expect(yield* again(Kinds.put("category", tree), Kinds.get("category"))).toEqual(tree)
  })

  claim("a union, a record and a brand come back", {}, function* () {
    const sku = Schema.decodeSync(Schema.String.pipe(Schema.brand("Sku")))("tea")

    expect(yield* again(Kinds.put("either", { a: "x" }), Kinds.get("either"))).toEqual({ a: "x" })
    expect(yield* again(Kinds.put("counts", { a: 1 }), Kinds.get("counts"))).toEqual({ a: 1 })
    expect(yield* again(Kinds.put("sku", sku), Kinds.get("sku"))).toBe("tea")
  })

  claim("a date and a bigint come back", {}, function* () {
    const instant = DateTime.unsafeMake(at)

    expect(yield* again(Kinds.put("at", instant), Kinds.get("at"))).toEqual(instant)
    expect(yield* again(Kinds.put("big", 2n ** 70n), Kinds.get("big"))).toBe(2n ** 70n)
  })

  claim("a list that is never empty is pushed to", {}, function* () {
    yield* Kinds.push("names", "a")
    yield* Kinds.push("names", "b")

    expect(yield* Kinds.get("names")).toEqual(some(["a", "b"]))
  })

  claim("a list that is never empty is not stored empty", {}, function* () {
    // Plain JavaScript may say anything.
    const defect = yield* defectOf(Kinds.put("names", [] as never))

    expect(defect).toBeInstanceOf(Session.SessionEncodeError)
  })

  claim("a text that does not match its pattern is neither stored nor read", {}, function* () {
    const defect = yield* defectOf(Kinds.put("code", "s3cret"))
    expect(defect).toMatchObject({ _tag: "SessionEncodeError", key: "code" })
    expect(String(defect)).not.toContain("s3cret")
    yield* Session.put("code", "letters")

    expect(yield* Kinds.get("code")).toEqual(none)
  })
})

// The next major of Effect writes these schemas in another way, or has none of their kind.
describe("other kinds of fields", () => {
  const Kinds = Session.schema({
    maybe: Schema.Option(Schema.Number),
    index: Schema.Map({ key: Schema.String, value: Schema.Number }),
    draft: Schema.mutable(Schema.Struct({ a: Schema.String })),
    settings: Schema.Struct({
      size: Schema.optionalWith(Schema.Number, { default: () => 10 }),
      hint: Schema.optionalWith(Schema.String, { as: "Option" }),
      renamed: Schema.optional(Schema.Date).pipe(Schema.fromKey("renamed_at"))
    })
  })

  claim("a mutable struct, an option and a map come back", {}, function* () {
    const index = new Map([["a", 1]])

    expect(yield* again(Kinds.put("draft", { a: "x" }), Kinds.get("draft"))).toEqual({ a: "x" })
    expect(yield* again(Kinds.put("maybe", some(1)), Kinds.get("maybe"))).toEqual(some(1))
    expect(yield* again(Kinds.put("maybe", Option.none()), Kinds.get("maybe"))).toEqual(none)
    expect(yield* again(Kinds.put("index", index), Kinds.get("index"))).toEqual(index)
  })

  claim(
    "a default is given with its struct, and is none by itself",
    { settings: {} },
    function* () {
      expect(yield* Kinds.get("settings")).toEqual(some({ size: 10, hint: none }))
      expect(yield* Kinds.get("settings.size")).toEqual(none)
    }
  )

  claim("an optional field as Option is stored bare, and none removes it", {}, function* () {
    yield* Kinds.put("settings.hint", some("x"))
    expect(yield* Session.get("settings")).toEqual(some({ hint: "x" }))
    expect(yield* Kinds.get("settings.hint")).toEqual(some(some("x")))

    yield* Kinds.put("settings.hint", Option.none())

    expect(yield* Session.get("settings")).toEqual(some({}))
  })

  claim("a renamed field is stored under its other name", {}, function* () {
    yield* Kinds.put("settings.renamed", at)

    expect(yield* Session.get("settings")).toEqual(some({ renamed_at: at.toISOString() }))
    expect(yield* Kinds.get("settings.renamed")).toEqual(some(at))
    expect(Option.getOrThrow(yield* Kinds.get("settings")).renamed).toEqual(at)
  })

  claim("an asynchronous schema is refused instead of discarding everything", {}, function* () {
    const Slow = Session.schema({
      a: Schema.transformOrFail(Schema.String, Schema.String, {
        decode: (text) => Effect.as(Effect.sleep("1 second"), text),
        encode: (text) => Effect.succeed(text)
      })
    })
    yield* Slow.put("a", "x")

    const defect = yield* defectOf(Slow.get("a"))

    expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "schema", key: "a" })
  })
})

describe("across requests", () => {
  const aServer = Effect.gen(function* () {
    const context: RequestContext = {
      store: SessionStore.make(makeMemory(0, undefined)),
      settings: compile(yield* SessionConfig),
      events: yield* SessionEvents.SessionEvents,
      clock: yield* Effect.clock,
      began: SessionStore.LocalInstant.now(),
      ipAddress: () => null,
      userAgent: () => null
    }
    const first = new RequestSession(context, emptyLife(context, "open"))
    /** The request that makes the session. */
    const inFirst = <A, E>(effect: Effect.Effect<A, E, Session.Session>) =>
      Effect.provideService(effect, Session.Session, toService(first))
    /** One request of the same visitor, which commits at its end. */
    const request = Effect.map(
      Effect.suspend(() => load(context, `__Host-session=${first.life.position.token}`)),
      (session) =>
        <A, E>(effect: Effect.Effect<A, E, Session.Session>) =>
          Effect.provideService(effect, Session.Session, toService(session))
    )
    const begin = (data: Session.JsonObject) =>
      inFirst(Effect.zipRight(Session.put(data), Session.commit))
    return { begin, inFirst, request }
  })

  it.effect("a change runs again on what a parallel request has stored", () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ visits: 1 })
      const [a, b] = [yield* request, yield* request]
      yield* a(Typed.increment("visits"))
      yield* b(Effect.zipRight(Typed.increment("visits", 10), Session.commit))

      yield* a(Session.commit)

      expect(yield* a(Typed.get("visits"))).toEqual(some(12))
    })
  )

  it.effect("a value that became invalid counts as missing", () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ visits: 1 })
      const [a, b] = [yield* request, yield* request]
      yield* a(Typed.increment("visits"))
      yield* b(Effect.zipRight(Session.put("visits", "many"), Session.commit))

      yield* a(Session.commit)

      expect(yield* a(Typed.get("visits"))).toEqual(some(1))
    })
  )

  it.effect('a value that became invalid is a conflict with onInvalid: "fail"', () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ visits: 1 })
      const [a, b] = [yield* request, yield* request]
      yield* a(Strict.increment("visits"))
      yield* b(Effect.zipRight(Session.put("visits", "many"), Session.commit))

      const error = yield* Effect.flip(a(Session.commit))

      expect(error).toBeInstanceOf(Session.SessionConflict)
      expect(yield* (yield* request)(Session.get("visits"))).toEqual(some("many"))
    })
  )

  it.effect("a change whose result no longer fits its schema is a conflict", () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ small: 1 })
      const [a, b] = [yield* request, yield* request]
      yield* a(Typed.increment("small"))
      yield* b(Effect.zipRight(Typed.put("small", 10), Session.commit))

      expect(yield* Effect.flip(a(Session.commit))).toBeInstanceOf(Session.SessionConflict)
    })
  )

  it.effect("an untyped modify whose result is no longer JSON is a conflict", () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ a: 2 })
      const [a, b] = [yield* request, yield* request]
      yield* a(Session.modify("a", (current) => 1 / Number(Option.getOrThrow(current))))
      yield* b(Effect.zipRight(Session.put("a", 0), Session.commit))

      expect(yield* Effect.flip(a(Session.commit))).toBeInstanceOf(Session.SessionConflict)
    })
  )

  it.effect("a value with an infinite expiry is there in the next request", () =>
    Effect.gen(function* () {
      const { inFirst, request } = yield* aServer
      yield* inFirst(Session.put("b", 1, { expiresIn: Duration.infinity }))
      yield* inFirst(Session.commit)

      expect(yield* (yield* request)(Session.all)).toEqual({ b: 1 })
    })
  )

  it.effect("isNew tells the request that came with a stored session", () =>
    Effect.gen(function* () {
      const { begin, request } = yield* aServer
      yield* begin({ a: 1 })
      const a = yield* request

      expect(yield* a(Session.isNew)).toBe(false)
      yield* a(Session.login("ann"))
      expect(yield* a(Session.isNew)).toBe(false)
      yield* a(Session.destroy)
      expect(yield* a(Session.isNew)).toBe(true)
    })
  )

  it.effect("authenticatedAt is stored with the session", () =>
    Effect.gen(function* () {
      const { inFirst, request } = yield* aServer
      yield* inFirst(Session.login("ann"))
      yield* TestClock.adjust("1 minute")
      const a = yield* request

      const at = yield* a(Session.authenticatedAt)

      expect(Option.map(at, DateTime.toEpochMillis)).toEqual(some(0))
      expect(yield* Effect.isFailure(a(Session.requireRecentLogin("59 seconds")))).toBe(true)
      expect(yield* Effect.isSuccess(a(Session.requireRecentLogin("1 minute")))).toBe(true)
    })
  )
})
