import * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import type { YieldWrap } from "effect/Utils"
import { fromService } from "../src/internal/session/tag.js"
import * as Session from "../src/Session.js"
import * as SessionConfig from "../src/SessionConfig.js"

const some = Option.some<Session.Json>
const none = Option.none<Session.Json>()

/** A test whose session holds `data`. */
const claim = <A>(
  name: string,
  data: Session.JsonObject,
  body: () => Generator<YieldWrap<Effect.Effect<unknown, unknown, Session.Session>>, A>
) => it.effect(name, () => Effect.provide(Effect.gen(body), Session.layerTest(data)))

/** Whether the store holds the session. */
const isStored = Effect.map(
  Session.Session,
  (service) => fromService(service).life.position.stored !== null
)

const defectOf = <A, E>(effect: Effect.Effect<A, E, Session.Session>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit) || !Cause.isDie(exit.cause)) throw new Error("it did not die")
    return Cause.squash(exit.cause)
  })

describe("get", () => {
  claim("gives what is stored", { a: { b: [1, 2] } }, function* () {
    expect(yield* Session.get("a.b.1")).toEqual(some(2))
  })

  claim("tells a stored null from a missing value", { a: null }, function* () {
    expect(yield* Session.get("a")).toEqual(some(null))
    expect(yield* Session.get("b")).toEqual(none)
  })

  claim("gives a copy", { a: { b: 1 } }, function* () {
    const value = Option.getOrThrow(yield* Session.get("a")) as { b: number }

    value.b = 2

    expect(yield* Session.get("a.b")).toEqual(some(1))
  })

  claim("sees own properties only", { a: {}, l: [] }, function* () {
    expect(yield* Session.get("toString")).toEqual(none)
    expect(yield* Session.get("l.length")).toEqual(none)
  })

  claim("decodes with a schema", { a: "12" }, function* () {
    expect(yield* Session.get("a", Schema.NumberFromString)).toEqual(Option.some(12))
  })

  claim("gives none with a schema when missing", {}, function* () {
    expect(yield* Session.get("a", Schema.String)).toEqual(Option.none())
  })

  claim("fails with SessionDecodeError where a schema does not fit", { a: "s3cret" }, function* () {
    const error = yield* Effect.flip(Session.get("a", Schema.Number))

    expect(error).toBeInstanceOf(Session.SessionDecodeError)
    expect(JSON.stringify(error)).not.toContain("s3cret")
  })
})

describe("getOrElse", () => {
  claim("gives the default of a missing value without storing it", {}, function* () {
    expect(yield* Session.getOrElse("a", () => 7)).toBe(7)
    expect(yield* Session.exists("a")).toBe(false)
  })

  claim("gives null where null is stored, without running the default", { a: null }, function* () {
    const value = yield* Session.getOrElse("a", () => {
      throw new Error("it ran")
    })

    expect(value).toBeNull()
  })
})

describe("all, only and except", () => {
  claim("all gives data and flash, and no bookkeeping", { a: 1 }, function* () {
    yield* Session.flash("f", 2)
    yield* Session.now("n", 3)
    yield* Session.put("t", 4, { expiresIn: "1 minute" })
    yield* Session.flashInput({ name: "Ann" })
    yield* Session.setPreviousUrl("/p")
    yield* Session.csrfToken

    expect(yield* Session.all).toEqual({ a: 1, f: 2, n: 3, t: 4 })
  })

  claim("all gives a copy", { a: { b: 1 } }, function* () {
    const { a } = yield* Session.all
    ;(a as { b: number }).b = 2

    expect(yield* Session.all).toEqual({ a: { b: 1 } })
  })

  claim("only keeps the place of a nested key", { a: { b: 1, c: 2 }, d: 3 }, function* () {
    expect(yield* Session.only("a.b", "d", "missing")).toEqual({ a: { b: 1 }, d: 3 })
  })

  claim("only takes a list of keys", { a: 1, b: 2, c: 3 }, function* () {
    expect(yield* Session.only(["a", "b"])).toEqual({ a: 1, b: 2 })
  })

  claim("except leaves nested keys out", { a: { b: 1, c: 2 }, d: 3 }, function* () {
    expect(yield* Session.except("a.b", "d")).toEqual({ a: { c: 2 } })
  })

  claim("except takes a list of keys", { a: 1, b: 2, c: 3 }, function* () {
    expect(yield* Session.except(["a", "b"])).toEqual({ c: 3 })
  })
})

describe("has, hasAny, exists and missing", () => {
  const data = { zero: 0, empty: "", no: false, list: [], nothing: null }

  claim("has counts 0, an empty text, false and an empty list as present", data, function* () {
    expect(yield* Session.has("zero", "empty", "no", "list")).toBe(true)
  })

  claim("has does not count null", data, function* () {
    expect(yield* Session.has("zero", "nothing")).toBe(false)
  })

  claim("without keys has is true and hasAny is false", data, function* () {
    expect(yield* Session.has()).toBe(true)
    expect(yield* Session.hasAny()).toBe(false)
  })

  claim("hasAny needs one key that is not null", data, function* () {
    expect(yield* Session.hasAny("nothing", "zero")).toBe(true)
    expect(yield* Session.hasAny("nothing", "other")).toBe(false)
  })

  claim("exists counts null", data, function* () {
    expect(yield* Session.exists("nothing", "zero")).toBe(true)
    expect(yield* Session.exists("nothing", "other")).toBe(false)
  })

  claim("missing needs every key to be absent", data, function* () {
    expect(yield* Session.missing("other", "another")).toBe(true)
    expect(yield* Session.missing("other", "nothing")).toBe(false)
  })

  claim("all four take a list of keys", data, function* () {
    expect(yield* Session.has(["zero", "nothing"])).toBe(false)
    expect(yield* Session.hasAny(["zero", "nothing"])).toBe(true)
    expect(yield* Session.exists(["zero", "nothing"])).toBe(true)
    expect(yield* Session.missing(["zero", "other"])).toBe(false)
  })
})

describe("put", () => {
  claim("makes objects on the way, of a scalar too", { a: 1 }, function* () {
    yield* Session.put("a.b.c", 2)

    expect(yield* Session.all).toEqual({ a: { b: { c: 2 } } })
  })

  claim("takes each entry of an object as a path", { a: { x: 1 } }, function* () {
    yield* Session.put({ "a.y": 2, b: 3 })

    expect(yield* Session.all).toEqual({ a: { x: 1, y: 2 }, b: 3 })
  })

  claim("stores nothing of an object with one bad value", {}, function* () {
    yield* Effect.exit(Session.put({ a: 1, b: Number.NaN }))

    expect(yield* Session.all).toEqual({})
  })

  claim("stores nothing of an object with one bad key", { list: [] }, function* () {
    yield* Effect.exit(Session.put({ a: 1, "list.word": 1 }))

    expect(yield* Session.all).toEqual({ list: [] })
  })

  claim("appends at the length of a list", { list: [1] }, function* () {
    yield* Session.put("list.1", 2)

    expect(yield* Session.get("list")).toEqual(some([1, 2]))
  })

  claim("keeps a value of its own", {}, function* () {
    const value = { b: 1 }
    yield* Session.put("a", value)

    value.b = 2

    expect(yield* Session.get("a.b")).toEqual(some(1))
  })

  claim("with expiresIn is missing from that instant on, for every reader", {}, function* () {
    yield* Session.put("a", 1, { expiresIn: "1 minute" })
    yield* TestClock.adjust("59999 millis")
    expect(yield* Session.has("a")).toBe(true)

    yield* TestClock.adjust("1 millis")

    expect(yield* Session.get("a")).toEqual(none)
    expect(yield* Session.exists("a")).toBe(false)
    expect(yield* Session.all).toEqual({})
  })

  claim("with expiresAt is missing from that instant on", {}, function* () {
    yield* Session.put("a", 1, { expiresAt: DateTime.unsafeMake(1000) })

    yield* TestClock.adjust("1 seconds")

    expect(yield* Session.missing("a")).toBe(true)
  })

  claim("with a date in the past removes the key", { a: 1 }, function* () {
    yield* TestClock.adjust("1 seconds")

    yield* Session.put("a", 2, { expiresAt: DateTime.unsafeMake(500) })

    expect(yield* Session.missing("a")).toBe(true)
  })

  claim("without expiry clears an earlier one", {}, function* () {
    yield* Session.put("a", 1, { expiresIn: "1 minute" })
    yield* Session.put("a", 2)

    yield* TestClock.adjust("2 minutes")

    expect(yield* Session.get("a")).toEqual(some(2))
  })

  claim("sets an expiry that increment, push and modify keep", {}, function* () {
    yield* Session.put("n", 1, { expiresIn: "1 minute" })
    yield* Session.put("l", [1], { expiresIn: "1 minute" })
    yield* Session.increment("n")
    yield* Session.push("l", 2)
    yield* Session.modify("n", () => 5)

    yield* TestClock.adjust("1 minute")

    expect(yield* Session.all).toEqual({})
  })

  claim("sets an expiry that regenerate keeps", {}, function* () {
    yield* Session.put("a", 1, { expiresIn: "1 minute" })
    yield* Session.regenerate

    yield* TestClock.adjust("1 minute")

    expect(yield* Session.missing("a")).toBe(true)
  })

  claim("with an expiry of no time at all removes the key", { a: 1, b: 1 }, function* () {
    yield* Session.put("a", 2, { expiresIn: 0 })
    yield* Session.put("b", 2, { expiresIn: -5 })

    expect(yield* Session.missing("a", "b")).toBe(true)
  })

  claim("with an infinite expiry stores a value without one", {}, function* () {
    yield* Session.put("a", 1, { expiresIn: "1 minute" })
    yield* Session.put("a", 2, { expiresIn: Duration.infinity })
    yield* Session.commit

    yield* TestClock.adjust("1 hours")

    expect(yield* Session.get("a")).toEqual(some(2))
  })

  claim("refuses an expiry that is no instant, and stores nothing", {}, function* () {
    const options: ReadonlyArray<Session.PutOptions> = [
      { expiresIn: Number.NaN },
      // Plain JavaScript may say anything.
      { expiresIn: "soon" as "1 second" },
      { expiresAt: new Date(Number.NaN) },
      { expiresAt: "never" },
      { expiresIn: 1, expiresAt: 2 } as never
    ]
    for (const each of options) {
      const defect = yield* defectOf(Session.put("a", 1, each))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "put", key: "" })
    }
    expect(yield* Session.all).toEqual({})
  })

  claim("refuses what is neither a key and a value nor an object", {}, function* () {
    for (const wrong of [42, "a", null, [1], new Date(0), new Map([["a", 1]])]) {
      // Plain JavaScript may say anything.
      const defect = yield* defectOf(Session.put(wrong as never))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "put" })
    }
    expect(yield* Session.all).toEqual({})
  })

  claim("refuses an expiry for a nested key", {}, function* () {
    const defect = yield* defectOf(Session.put("a.b", 1, { expiresIn: "1 minute" }))

    expect(defect).toBeInstanceOf(Session.SessionKeyError)
  })
})

describe("push", () => {
  claim("appends, and makes a list of missing or null", { l: [1], n: null }, function* () {
    yield* Session.push("l", 2)
    yield* Session.push("n", 1)
    yield* Session.push("m", 1)

    expect(yield* Session.all).toEqual({ l: [1, 2], n: [1], m: [1] })
  })

  claim(
    "fails with SessionTypeError on anything else and changes nothing",
    { a: "x" },
    function* () {
      const error = yield* Effect.flip(Session.push("a", 1))

      expect(error).toBeInstanceOf(Session.SessionTypeError)
      expect(yield* Session.get("a")).toEqual(some("x"))
    }
  )
})

describe("increment and decrement", () => {
  claim("count from 0 where the value is missing or null", { n: null }, function* () {
    expect(yield* Session.increment("a.b")).toBe(1)
    expect(yield* Session.decrement("n", 3)).toBe(-3)
    expect(yield* Session.all).toEqual({ a: { b: 1 }, n: -3 })
  })

  claim("give the new number", { a: 40 }, function* () {
    expect(yield* Session.increment("a", 2)).toBe(42)
    expect(yield* Session.decrement("a")).toBe(41)
  })

  claim("fail with SessionTypeError on a text", { a: "1" }, function* () {
    expect(yield* Effect.flip(Session.increment("a"))).toBeInstanceOf(Session.SessionTypeError)
    expect(yield* Effect.flip(Session.decrement("a"))).toBeInstanceOf(Session.SessionTypeError)
  })

  claim("fail where the result is not safe", { a: Number.MAX_SAFE_INTEGER }, function* () {
    expect(yield* Effect.flip(Session.increment("a"))).toBeInstanceOf(Session.SessionTypeError)
    expect(yield* Session.get("a")).toEqual(some(Number.MAX_SAFE_INTEGER))
  })

  claim("fail when adding what is not finite", { a: 1 }, function* () {
    const result = yield* Effect.either(Session.increment("a", Number.NaN))

    expect(Either.isLeft(result)).toBe(true)
  })
})

describe("modify", () => {
  claim("gives the new value of what the function saw", { a: 2 }, function* () {
    const value = yield* Session.modify("a", (current) => [Option.getOrNull(current)])

    expect(value).toEqual([2])
    expect(yield* Session.get("a")).toEqual(some([2]))
  })

  claim("hands none where the value is missing", {}, function* () {
    expect(yield* Session.modify("a", Option.isNone)).toBe(true)
  })

  claim("dies with what the function throws and changes nothing", { a: 1 }, function* () {
    const defect = yield* defectOf(
      Session.modify("a", () => {
        throw new Error("boom")
      })
    )

    expect(defect).toEqual(new Error("boom"))
    expect(yield* Session.get("a")).toEqual(some(1))
  })
})

describe("remember", () => {
  claim("gives what is stored without running the effect", { a: 0 }, function* () {
    expect(yield* Session.remember("a", Effect.die("it ran"))).toBe(0)
  })

  claim("runs the effect for missing or null and stores its result", { n: null }, function* () {
    expect(yield* Session.remember("n", Effect.succeed(1))).toBe(1)
    expect(yield* Session.remember("m", Effect.succeed(2))).toBe(2)
    expect(yield* Session.all).toEqual({ n: 1, m: 2 })
  })

  claim("passes a failure on and stores nothing", {}, function* () {
    const error = yield* Effect.flip(Session.remember("a", Effect.fail("no" as const)))

    expect(error).toBe("no")
    expect(yield* Session.missing("a")).toBe(true)
  })
})

describe("pull, consume and forget", () => {
  claim("pull gives a value once", { a: { b: 1 } }, function* () {
    expect(yield* Session.pull("a.b")).toEqual(some(1))
    expect(yield* Session.pull("a.b")).toEqual(none)
    expect(yield* Session.all).toEqual({ a: {} })
  })

  claim("pull takes a flash too", {}, function* () {
    yield* Session.flash("f", 1)

    expect(yield* Session.pull("f")).toEqual(some(1))
    expect(yield* Session.missing("f")).toBe(true)
  })

  claim("consume gives a pending value once", { code: "1234" }, function* () {
    expect(yield* Session.consume("code")).toEqual(some("1234"))
    expect(yield* Session.consume("code")).toEqual(none)
  })

  claim("consume gives a committed value once", { code: "1234" }, function* () {
    yield* Session.commit

    expect(yield* Session.consume("code")).toEqual(some("1234"))
    expect(yield* Session.consume("code")).toEqual(none)
  })

  claim("consume of a committed value leaves pending operations", { code: 1 }, function* () {
    yield* Session.commit
    yield* Session.put("a", 2)

    yield* Session.consume("code")

    expect(yield* Session.all).toEqual({ a: 2 })
  })

  claim(
    "forget removes several keys and leaves an emptied parent",
    { a: { b: 1 }, c: 2 },
    function* () {
      yield* Session.forget("a.b", "c", "absent.too")

      expect(yield* Session.all).toEqual({ a: {} })
    }
  )

  claim("forget takes a list of keys", { a: 1, b: 2, c: 3 }, function* () {
    yield* Session.forget(["a", "b"])

    expect(yield* Session.all).toEqual({ c: 3 })
  })

  claim("forget closes the gap in a list", { l: [1, 2, 3] }, function* () {
    yield* Session.forget("l.1")

    expect(yield* Session.get("l")).toEqual(some([1, 3]))
  })
})

describe("flush and replace", () => {
  claim("flush clears all that belongs to the visitor and keeps the id", { a: 1 }, function* () {
    const id = yield* Session.id
    const token = yield* Session.csrfToken
    yield* Session.flash("f", 1)
    yield* Session.setPreviousUrl("/p")
    yield* Session.login("ann")
    const idAfterLogin = yield* Session.id

    yield* Session.flush

    expect(yield* Session.all).toEqual({})
    expect(yield* Session.userId).toEqual(Option.none())
    expect(yield* Session.previousUrl).toEqual(Option.none())
    expect(yield* Session.verifyToken(token)).toBe(false)
    expect(yield* Session.id).toBe(idAfterLogin)
    expect(id).not.toBe(idAfterLogin)
  })

  claim("replace leaves only the entries of the object", { a: 1, b: 2 }, function* () {
    yield* Session.replace({ b: 3, "c.d": 4 })

    expect(yield* Session.all).toEqual({ b: 3, c: { d: 4 } })
  })

  claim("replace by an object with a bad value changes nothing", { a: 1 }, function* () {
    yield* Effect.exit(Session.replace({ b: Number.NaN }))

    expect(yield* Session.all).toEqual({ a: 1 })
  })
})

describe("flash", () => {
  claim("shadows a data key of the same name, which put ends", { a: 1 }, function* () {
    yield* Session.flash("a", 2)
    expect(yield* Session.get("a")).toEqual(some(2))

    yield* Session.put("a", 3)

    expect(yield* Session.get("a")).toEqual(some(3))
  })

  claim("takes an object", {}, function* () {
    yield* Session.flash({ a: 1, b: 2 })

    expect(yield* Session.all).toEqual({ a: 1, b: 2 })
  })

  claim("set by now is readable in this request", {}, function* () {
    yield* Session.now("a", 1)

    expect(yield* Session.get("a")).toEqual(some(1))
  })

  claim("survives the commit of the request that set it", {}, function* () {
    yield* Session.flash("a", 1)

    yield* Session.commit

    expect(yield* Session.get("a")).toEqual(some(1))
  })

  claim("is kept readable by reflash and keep", {}, function* () {
    yield* Session.flash("a", 1)
    yield* Session.now("b", 2)

    yield* Session.keep("a")
    yield* Session.reflash

    expect(yield* Session.all).toEqual({ a: 1, b: 2 })
  })

  claim("is not made of a permanent key by keep", { a: 1 }, function* () {
    yield* Session.keep("a")
    yield* Session.keep(["a"])

    yield* Session.put("a", 2)

    expect(yield* Session.all).toEqual({ a: 2 })
  })

  claim("refuses a nested key", {}, function* () {
    for (const effect of [Session.flash("a.b", 1), Session.now("a.b", 1), Session.keep("a.b")]) {
      expect(yield* defectOf(effect)).toBeInstanceOf(Session.SessionKeyError)
    }
  })
})

describe("flashInput and old", () => {
  claim("give form input back without passwords and tokens", {}, function* () {
    yield* Session.flashInput({
      name: "Ann",
      address: { city: "Oslo", password: "x" },
      password: "x",
      password_confirmation: "x",
      _token: "x"
    })

    expect(yield* Session.old("name")).toEqual(some("Ann"))
    expect(yield* Session.old("address")).toEqual(some({ city: "Oslo" }))
    expect(yield* Session.old("password")).toEqual(none)
    expect(yield* Session.old("password_confirmation")).toEqual(none)
    expect(yield* Session.old("_token")).toEqual(none)
  })

  const names = [
    "address.street",
    "address..street",
    ".",
    "",
    " ",
    "items[0][name]",
    "user[first.name]",
    "constructor",
    "prototype",
    "a.__proto__.b",
    "toString",
    `${"deep.".repeat(40)}name`
  ]

  claim("take the names of fields as they were sent, never for paths", {}, function* () {
    yield* Session.flashInput(Object.fromEntries(names.map((name) => [name, `of ${name}`])))

    for (const name of names) expect(yield* Session.old(name)).toEqual(some(`of ${name}`))
    for (const name of ["address", "items", "a", "__proto__", "hasOwnProperty", "deep"]) {
      expect(yield* Session.old(name)).toEqual(none)
    }
  })

  claim("lead into an object by a Session.path only", {}, function* () {
    yield* Session.flashInput({ address: { street: "Storgata", "zip.code": "0155" } })

    expect(yield* Session.old("address.street")).toEqual(none)
    expect(yield* Session.old(Session.path("address", "street"))).toEqual(some("Storgata"))
    expect(yield* Session.old(Session.path("address", "zip.code"))).toEqual(some("0155"))
  })

  claim("leave out __proto__, which any visitor may send", {}, function* () {
    const sent = JSON.parse(
      '{"__proto__":{"a":1},"b":{"__proto__":[2],"c":3},"d":[{"__proto__":4}]}'
    )
    yield* Session.flashInput<Session.JsonObject>(sent)

    expect(yield* Session.old("__proto__")).toEqual(none)
    expect(yield* Session.old("b")).toEqual(some({ c: 3 }))
    expect(yield* Session.old("d")).toEqual(some([{}]))
    expect(yield* Session.old("a")).toEqual(none)
  })

  claim("leave out secrets however their names are nested", {}, function* () {
    yield* Session.flashInput({
      "user.password": "x",
      "user[password]": "x",
      "users[0][new_password]": "x",
      "payment[card][number]": "x",
      payment: { card: { number: "x", holder: "Ann" }, cards: [{ number: "x" }] },
      api: { key: "x" },
      "user.name": "Ann"
    })
    const kept = [
      "user.password",
      "user[password]",
      "users[0][new_password]",
      "payment[card][number]"
    ]

    for (const name of kept) expect(yield* Session.old(name)).toEqual(none)
    expect(yield* Session.old("payment")).toEqual(some({ card: { holder: "Ann" }, cards: [{}] }))
    expect(yield* Session.old("api")).toEqual(some({}))
    expect(yield* Session.old("user.name")).toEqual(some("Ann"))
  })

  claim("take an object of fields only", {}, function* () {
    // Plain JavaScript may say anything.
    const defect = yield* defectOf(Session.flashInput([1] as never))

    expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "flashInput" })
  })

  claim("stay out of the data", {}, function* () {
    yield* Session.flashInput({ name: "Ann" })

    expect(yield* Session.get("name")).toEqual(none)
    expect(yield* Session.all).toEqual({})
  })
})

describe("lifecycle", () => {
  claim("id is 40 lower-case hex characters and stays", {}, function* () {
    const id = yield* Session.id
    yield* Session.put("a", 1)

    expect(id).toMatch(/^[0-9a-f]{40}$/)
    expect(yield* Session.id).toBe(id)
  })

  claim("start lets commit create a session that holds nothing", {}, function* () {
    yield* Session.start
    yield* Session.commit

    expect(yield* isStored).toBe(true)
  })

  claim("a commit with nothing written creates no session", {}, function* () {
    yield* Session.commit

    expect(yield* isStored).toBe(false)
  })

  claim("isNew stays true to the end of the request that stored the session", {}, function* () {
    yield* Session.put("a", 1)
    yield* Session.commit
    expect(yield* Session.isNew).toBe(true)

    yield* Session.login("ann")

    expect(yield* Session.isNew).toBe(true)
  })

  claim(
    "regenerate gives a new id and CSRF token and keeps data and flash",
    { a: 1 },
    function* () {
      yield* Session.flash("f", 2)
      const before = yield* Session.id
      const token = yield* Session.csrfToken

      const after = yield* Session.regenerate

      expect(after).not.toBe(before)
      expect(yield* Session.id).toBe(after)
      expect(yield* Session.verifyToken(token)).toBe(false)
      expect(yield* Session.all).toEqual({ a: 1, f: 2 })
    }
  )

  claim("migrate gives a new id and keeps the CSRF token", { a: 1 }, function* () {
    yield* Session.commit
    const before = yield* Session.id
    const token = yield* Session.csrfToken

    const after = yield* Session.migrate()

    expect(after).not.toBe(before)
    expect(yield* Session.verifyToken(token)).toBe(true)
  })

  claim("invalidate clears everything and gives a new id", { a: 1 }, function* () {
    const before = yield* Session.id

    expect(yield* Session.invalidate).not.toBe(before)
    expect(yield* Session.all).toEqual({})
  })

  claim(
    "login sets the user, keeps a guest's data, gives a new id and token",
    { a: 1 },
    function* () {
      const before = yield* Session.id
      const token = yield* Session.csrfToken

      yield* Session.login("ann")

      expect(yield* Session.userId).toEqual(Option.some("ann"))
      expect(yield* Session.all).toEqual({ a: 1 })
      expect(yield* Session.id).not.toBe(before)
      expect(yield* Session.verifyToken(token)).toBe(false)
    }
  )

  claim("login of another user flushes the data of the first", {}, function* () {
    yield* Session.login("ann")
    yield* Session.put("a", 1)

    yield* Session.login("bob")

    expect(yield* Session.userId).toEqual(Option.some("bob"))
    expect(yield* Session.all).toEqual({})
  })

  claim("login takes a user id of 1 to 255 bytes", {}, function* () {
    for (const wrong of ["", "é".repeat(128), "a\0b"]) {
      const defect = yield* defectOf(Session.login(wrong))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "login" })
      expect(String(defect)).toContain("Session.login does not fit what it was given: a user id is")
    }
    yield* Session.login("x".repeat(255))
    expect(yield* Session.userId).toEqual(Option.some("x".repeat(255)))
  })

  claim("put of user_id logs nobody in", {}, function* () {
    yield* Session.put("user_id", 42)

    expect(yield* Session.userId).toEqual(Option.none())
  })

  claim("logout goes on with an empty new session", { a: 1 }, function* () {
    yield* Session.login("ann")
    const before = yield* Session.id

    yield* Session.logout

    expect(yield* Session.userId).toEqual(Option.none())
    expect(yield* Session.all).toEqual({})
    expect(yield* Session.id).not.toBe(before)
    expect(yield* isStored).toBe(false)
  })

  claim("destroy goes on with an empty new session", { a: 1 }, function* () {
    yield* Session.commit

    yield* Session.destroy

    expect(yield* Session.all).toEqual({})
    expect(yield* isStored).toBe(false)
  })

  claim("createdAt, lastActivity and expiresAt follow the clock", { a: 1 }, function* () {
    yield* TestClock.adjust("1 minute")
    yield* Session.commit

    const created = DateTime.toEpochMillis(yield* Session.createdAt)
    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    const active = DateTime.toEpochMillis(yield* Session.lastActivity)
    expect(active).toBe(Duration.toMillis("1 minute"))
    expect(created).toBeLessThanOrEqual(active)
    expect(expires).toBe(active + Duration.toMillis("2 hours"))
  })

  claim("setLifetime moves the expiry at the commit", {}, function* () {
    yield* Session.setLifetime("30 days")
    yield* Session.commit

    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    expect(expires).toBe(Duration.toMillis("30 days"))
  })

  claim("setLifetime refuses what no session can live", {}, function* () {
    for (const lifetime of [0, -1, Number.NaN, Duration.infinity, "40000 days"] as const) {
      const defect = yield* defectOf(Session.setLifetime(lifetime))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "setLifetime" })
    }
  })

  claim("login refuses to remember for a time no session can live", {}, function* () {
    for (const remember of [0, Number.NaN, Duration.infinity] as const) {
      const defect = yield* defectOf(Session.login("ann", { remember }))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "login" })
    }
    expect(yield* Session.userId).toEqual(Option.none())
  })

  claim("login remembers for as long as told", {}, function* () {
    yield* Session.login("ann", { remember: "30 days" })

    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    expect(expires).toBe(Duration.toMillis("30 days"))
  })

  claim("login of the same user goes on remembering", {}, function* () {
    yield* Session.login("ann", { remember: "30 days" })
    yield* TestClock.adjust("29 days")

    yield* Session.login("ann")

    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    expect(expires).toBe(Duration.toMillis("59 days"))
  })

  claim("login of another user does not", {}, function* () {
    yield* Session.login("ann", { remember: "30 days" })

    yield* Session.login("bob")

    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    expect(expires).toBe(Duration.toMillis("2 hours"))
  })

  claim(
    "expiresAt of a session that is not stored yet is the idle timeout from now",
    {},
    function* () {
      yield* TestClock.adjust("1 minute")

      const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
      expect(expires).toBe(Duration.toMillis("121 minutes"))
    }
  )

  claim("expiresAt of a session that is not stored yet follows its own lifetime", {}, function* () {
    yield* Session.setLifetime("30 days")

    const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
    expect(expires).toBe(Duration.toMillis("30 days"))
  })

  it.effect("expiresAt is never after the absolute timeout", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 minutes")

      const expires = DateTime.toEpochMillis(yield* Session.expiresAt)
      expect(expires).toBe(Duration.toMillis("1 hour"))
    }).pipe(
      Effect.provide(Session.layerTest()),
      Effect.provide(SessionConfig.layer({ idleTimeout: "1 hour", absoluteTimeout: "1 hour" }))
    )
  )

  claim("commit gives a payload over the limit as a typed error", {}, function* () {
    const text = "x".repeat(40_000)
    yield* Session.put("a", text)
    yield* Session.put("b", text)

    expect(yield* Effect.flip(Session.commit)).toBeInstanceOf(Session.SessionEncodeError)
  })

  claim("commit gives more than 256 keys as a typed error", {}, function* () {
    for (let index = 0; index < 257; index++) yield* Session.put(`k${index}`, 1)

    expect(yield* Effect.flip(Session.commit)).toBeInstanceOf(Session.SessionEncodeError)
  })
})

describe("authenticatedAt and requireRecentLogin", () => {
  const verdict = (duration: Duration.DurationInput) =>
    Effect.match(Session.requireRecentLogin(duration), {
      onFailure: (error) => error.reason,
      onSuccess: () => "recent" as const
    })

  claim("authenticatedAt is the instant of the last login", {}, function* () {
    expect(yield* Session.authenticatedAt).toEqual(Option.none())
    yield* TestClock.adjust("1 minute")
    yield* Session.login("ann")
    yield* TestClock.adjust("1 minute")

    const at = yield* Session.authenticatedAt

    expect(Option.map(at, DateTime.toEpochMillis)).toEqual(Option.some(60_000))
  })

  claim("authenticatedAt moves with a second login of the same user", {}, function* () {
    yield* Session.login("ann")
    yield* TestClock.adjust("1 minute")

    yield* Session.login("ann")

    const at = yield* Session.authenticatedAt
    expect(Option.map(at, DateTime.toEpochMillis)).toEqual(Option.some(60_000))
  })

  claim("authenticatedAt is none after flush and after logout", {}, function* () {
    yield* Session.login("ann")
    yield* Session.flush
    expect(yield* Session.authenticatedAt).toEqual(Option.none())
    yield* Session.login("ann")

    yield* Session.logout

    expect(yield* Session.authenticatedAt).toEqual(Option.none())
  })

  claim("requireRecentLogin refuses a guest", {}, function* () {
    expect(yield* verdict(Duration.infinity)).toBe("guest")
  })

  claim("requireRecentLogin lets pass to the very end of the duration", {}, function* () {
    yield* Session.login("ann")

    yield* TestClock.adjust("15 minutes")

    expect(yield* verdict("15 minutes")).toBe("recent")
  })

  claim("requireRecentLogin refuses a millisecond later", {}, function* () {
    yield* Session.login("ann")

    yield* TestClock.adjust("900001 millis")

    expect(yield* verdict("15 minutes")).toBe("stale")
  })

  claim("requireRecentLogin is satisfied by a new login, not by regenerate", {}, function* () {
    yield* Session.login("ann")
    yield* TestClock.adjust("1 hour")
    yield* Session.regenerate
    expect(yield* verdict("15 minutes")).toBe("stale")

    yield* Session.login("ann")

    expect(yield* verdict("15 minutes")).toBe("recent")
  })

  claim("requireRecentLogin refuses what is no duration", {}, function* () {
    yield* Session.login("ann")

    for (const wrong of [Number.NaN, "soon" as "1 second"]) {
      const defect = yield* defectOf(Session.requireRecentLogin(wrong))

      expect(defect).toMatchObject({ _tag: "SessionTypeError", operation: "requireRecentLogin" })
    }
  })

  it.effect("its error answers 403 with a sentence", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Session.requireRecentLogin("1 minute"))

      const response = yield* HttpServerRespondable.toResponse(error)

      expect(response.status).toBe(403)
      expect(response.headers["cache-control"]).toBe("no-store")
      expect(error.message).toBe("A login is required: nobody is logged in.")
    }).pipe(Effect.provide(Session.layerTest()))
  )
})

describe("layerTest", () => {
  it.effect("gives every build a session of its own", () =>
    Effect.gen(function* () {
      const layer = Session.layerTest({ a: 1 })
      const program = Effect.zipRight(Session.commit, Session.increment("a"))

      expect(yield* Effect.provide(program, layer)).toBe(2)
      expect(yield* Effect.provide(program, layer)).toBe(2)
    })
  )

  claim("commits, logs in, consumes, destroys and logs out", { code: "1" }, function* () {
    yield* Session.commit
    yield* Session.login("ann")
    expect(yield* Session.consume("code")).toEqual(some("1"))
    yield* Session.destroy
    yield* Session.put("a", 1)
    yield* Session.login("bob")
    yield* Session.logout

    expect(yield* Session.all).toEqual({})
    expect(yield* Session.userId).toEqual(Option.none())
  })

  it.effect("takes entries as put does", () =>
    Effect.gen(function* () {
      expect(yield* Session.all).toEqual({ cart: { count: 1 } })
    }).pipe(Effect.provide(Session.layerTest({ "cart.count": 1 })))
  )
})

describe("csrfToken", () => {
  claim("is masked anew each time, and every masking is valid", {}, function* () {
    const first = yield* Session.csrfToken
    const second = yield* Session.token

    expect(first).not.toBe(second)
    expect(yield* Session.verifyToken(first)).toBe(true)
    expect(yield* Session.verifyToken(second)).toBe(true)
  })

  claim("creates the session where there is none", {}, function* () {
    yield* Session.csrfToken
    yield* Session.commit

    expect(yield* isStored).toBe(true)
  })

  claim("is invalid after regenerateToken", {}, function* () {
    const token = yield* Session.csrfToken

    yield* Session.regenerateToken

    expect(yield* Session.verifyToken(token)).toBe(false)
  })

  claim("is no text of somebody else's", {}, function* () {
    for (const text of ["", "x", "é", "A".repeat(10_000)]) {
      expect(yield* Session.verifyToken(text)).toBe(false)
    }
  })
})

describe("previousUrl", () => {
  claim("is a path and query of this origin", {}, function* () {
    yield* Session.setPreviousUrl("/a?b=1#c")
    expect(yield* Session.previousUrl).toEqual(Option.some("/a?b=1"))

    yield* Session.setPreviousUrl("https://own.example/d", "https://own.example")

    expect(yield* Session.previousUrl).toEqual(Option.some("/d"))
  })

  claim("is pulled once, and can be set again", {}, function* () {
    yield* Session.setPreviousUrl("/a")

    expect(yield* Session.pullPreviousUrl).toEqual(Option.some("/a"))
    expect(yield* Session.pullPreviousUrl).toEqual(Option.none())

    yield* Session.setPreviousUrl("/a")
    expect(yield* Session.previousUrl).toEqual(Option.some("/a"))
  })

  claim("ignores what leads elsewhere", {}, function* () {
    yield* Session.setPreviousUrl("/kept")

    yield* Session.setPreviousUrl("//evil.example/")
    yield* Session.setPreviousUrl("/\\evil.example")
    yield* Session.setPreviousUrl("https://evil.example/", "https://own.example")

    expect(yield* Session.previousUrl).toEqual(Option.some("/kept"))
  })
})

describe("keys", () => {
  claim("of Session.path have literal dots", {}, function* () {
    yield* Session.put(Session.path("a.b", "c"), 1)

    expect(yield* Session.all).toEqual({ "a.b": { c: 1 } })
    expect(yield* Session.get(Session.path("a.b", "c"))).toEqual(some(1))
    expect(yield* Session.get("a.b.c")).toEqual(none)
  })

  const bad = ["", ".", "a.", ".a", "a..b", "__proto__", "a.constructor.b", "prototype"]

  it.each(bad)("isKey refuses %j", (key) => {
    expect(Session.isKey(key)).toBe(false)
  })

  it("isKey takes dotted texts", () => {
    expect(["a", "a.b", "cart.items.0", "é", "a b"].every(Session.isKey)).toBe(true)
  })

  claim(
    "that are bad end every operation with a SessionKeyError and store nothing",
    {},
    function* () {
      for (const key of bad) {
        const effects: ReadonlyArray<Effect.Effect<unknown, unknown, Session.Session>> = [
          Session.get(key),
          Session.getOrElse(key, () => 1),
          Session.only(key),
          Session.except(key),
          Session.has(key),
          Session.hasAny(key),
          Session.exists(key),
          Session.missing(key),
          Session.put(key, 1),
          Session.put({ [key]: 1 }),
          Session.push(key, 1),
          Session.increment(key),
          Session.modify(key, () => 1),
          Session.remember(key, Effect.succeed(1)),
          Session.pull(key),
          Session.consume(key),
          Session.forget(key),
          Session.replace({ [key]: 1 }),
          Session.flash(key, 1),
          Session.now(key, 1),
          Session.keep(key)
        ]
        for (const effect of effects) {
          expect(yield* defectOf(effect)).toBeInstanceOf(Session.SessionKeyError)
        }
      }
      expect(yield* Session.all).toEqual({})
    }
  )

  claim("that are bad are refused behind a key that decides", { here: 1 }, function* () {
    const effects = [
      Session.has("absent", "b..c"),
      Session.hasAny("here", "__proto__"),
      Session.exists(["absent", ""]),
      Session.missing("here", "a.constructor")
    ]
    for (const effect of effects) {
      expect(yield* defectOf(effect)).toBeInstanceOf(Session.SessionKeyError)
    }
  })

  claim("that write to a word on a list are refused, and read nothing", { l: [1] }, function* () {
    expect(yield* defectOf(Session.put("l.word", 1))).toBeInstanceOf(Session.SessionKeyError)
    expect(yield* defectOf(Session.put("l.2", 1))).toBeInstanceOf(Session.SessionKeyError)
    expect(yield* Session.get("l.word")).toEqual(none)
  })
})

describe("values", () => {
  const deep = (levels: number): Session.Json => (levels === 0 ? 1 : [deep(levels - 1)])

  claim("of 32 levels are stored, of 33 not", {}, function* () {
    yield* Session.put("a", deep(32))

    expect(yield* defectOf(Session.put("b", deep(33)))).toBeInstanceOf(Session.SessionEncodeError)
  })

  claim("that are no JSON end the handler and store nothing", {}, function* () {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "x".repeat(70_000)]) {
      const effects: ReadonlyArray<Effect.Effect<unknown, unknown, Session.Session>> = [
        Session.put("a", value),
        Session.push("a", value),
        Session.modify("a", () => value),
        Session.remember("a", Effect.succeed(value)),
        Session.flash("a", value),
        Session.now("a", value),
        Session.flashInput({ a: value }),
        Session.replace({ a: value })
      ]
      for (const effect of effects) {
        expect(yield* defectOf(effect)).toBeInstanceOf(Session.SessionEncodeError)
      }
    }
    expect(yield* Session.all).toEqual({})
  })

  claim("that refer to themselves end the handler", {}, function* () {
    const cycle: Record<string, Session.Json> = {}
    cycle.self = cycle

    expect(yield* defectOf(Session.put("a", cycle))).toBeInstanceOf(Session.SessionEncodeError)
  })

  claim("are not quoted by the error", {}, function* () {
    const defect = yield* defectOf(Session.put("a", ["s3cret", Number.NaN]))

    expect(String(defect)).not.toContain("s3cret")
  })
})

describe("layerTestWith", () => {
  const within = (layer: Layer.Layer<Session.Session>) =>
    Effect.provide(
      Effect.all({
        userId: Session.userId,
        data: Session.all,
        isKnown: Effect.isSuccess(Session.requireUser),
        isRecent: Effect.isSuccess(Session.requireRecentLogin("1 minute"))
      }),
      layer
    )

  it.effect("logs a user in", () =>
    Effect.gen(function* () {
      const layer = Session.layerTestWith({
        userId: "ada",
        data: { a: 1 },
        flash: { message: "Hello" }
      })

      expect(yield* within(layer)).toEqual({
        userId: Option.some("ada"),
        data: { a: 1, message: "Hello" },
        isKnown: true,
        isRecent: true
      })
    })
  )

  it.effect("gives a guest's session where no user is named", () =>
    Effect.gen(function* () {
      expect(yield* within(Session.layerTestWith({ data: { a: 1 } }))).toEqual({
        userId: Option.none(),
        data: { a: 1 },
        isKnown: false,
        isRecent: false
      })
      expect(yield* within(Session.layerTestWith({}))).toMatchObject({ data: {} })
    })
  )

  it.effect("dies of an id that is none", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(within(Session.layerTestWith({ userId: "" })))

      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBeInstanceOf(
        Session.SessionTypeError
      )
    })
  )
})

describe("requireUser", () => {
  claim("fails with SessionUnauthenticated for a guest", {}, function* () {
    const error = yield* Effect.flip(Session.requireUser)

    expect(error).toBeInstanceOf(Session.SessionUnauthenticated)
    expect(error.cause).toBeUndefined()
  })

  claim("gives the id of the user who has logged in, and fails after the logout", {}, function* () {
    yield* Session.login("ada")
    const userId = yield* Session.requireUser
    yield* Session.logout

    expect(userId).toBe("ada")
    expect(yield* Effect.isFailure(Session.requireUser)).toBe(true)
  })
})
