import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { isNone, none, some } from "effect/Option"
import * as Schema from "effect/Schema"
import * as Session from "../src/Session.js"

interface Profile {
  readonly name: string
  readonly nick?: string
}

const Item = Schema.Struct({ sku: Schema.String, count: Schema.Number })
type Item = typeof Item.Type

const fields = {
  theme: Schema.Literal("light", "dark"),
  visits: Schema.Number,
  since: Schema.Date,
  cart: Schema.Struct({
    items: Schema.optional(Schema.Array(Item)),
    since: Schema.optional(Schema.Date)
  }),
  address: Schema.Struct({ street: Schema.String, city: Schema.String })
}

const Typed = Session.schema(fields)
const Strict = Session.schema(fields, { onInvalid: "fail" })

/** Never runs: what is inside only has to compile, or not to. */
const compiles = (_: () => unknown) => undefined

describe("the types of put", () => {
  it("take JSON, interfaces and optional properties", () => {
    const profile: Profile = { name: "Ann" }

    expectTypeOf(Session.put("a", profile)).toEqualTypeOf<
      Effect.Effect<void, never, Session.Session>
    >()
    compiles(() => Session.put({ profile, list: [1, "a", null] }))
  })

  it("refuse what is no JSON", () => {
    compiles(() => [
      // @ts-expect-error a Date is encoded first
      Session.put("a", new Date()),
      // @ts-expect-error undefined is not JSON
      Session.put("a", undefined),
      // @ts-expect-error a function is not JSON
      Session.put("a", () => 1),
      // @ts-expect-error a bigint is not JSON
      Session.put("a", 1n),
      // @ts-expect-error a Map is not JSON
      Session.put("a", new Map([["a", 1]])),
      // @ts-expect-error a symbol is not JSON
      Session.put("a", Symbol.iterator),
      // @ts-expect-error a nested Date is not JSON
      Session.put("a", { at: new Date() }),
      // @ts-expect-error a Date in an object of entries is not JSON
      Session.put({ at: new Date() })
    ])

    expectTypeOf(Session.put).toBeFunction()
  })

  it("refuse a Date at push, flash, now, modify, remember and replace", () => {
    compiles(() => [
      // @ts-expect-error a Date is encoded first
      Session.push("a", new Date()),
      // @ts-expect-error a Date is encoded first
      Session.flash("a", new Date()),
      // @ts-expect-error a Date is encoded first
      Session.now("a", new Date()),
      // @ts-expect-error a Date is encoded first
      Session.modify("a", () => new Date()),
      // @ts-expect-error a Date is encoded first
      Session.remember("a", Effect.succeed(new Date())),
      // @ts-expect-error a Date is encoded first
      Session.replace({ at: new Date() })
    ])

    expectTypeOf(Session.push).toBeFunction()
  })
})

describe("the types of the accessors", () => {
  it("give Option of Json, or of the schema's type", () => {
    expectTypeOf(Session.get("a")).toEqualTypeOf<
      Effect.Effect<Option.Option<Session.Json>, never, Session.Session>
    >()
    expectTypeOf(Session.get("a", Schema.Date)).toEqualTypeOf<
      Effect.Effect<Option.Option<Date>, Session.SessionDecodeError, Session.Session>
    >()
  })

  it("name the errors of each operation", () => {
    expectTypeOf(Session.increment("a")).toEqualTypeOf<
      Effect.Effect<number, Session.SessionTypeError, Session.Session>
    >()
    expectTypeOf(Session.consume("a")).toEqualTypeOf<
      Effect.Effect<Option.Option<Session.Json>, Session.SessionStoreError, Session.Session>
    >()
    expectTypeOf(Session.login("ann")).toEqualTypeOf<
      Effect.Effect<void, Session.SessionStoreError | Session.SessionRefused, Session.Session>
    >()
  })
})

describe("the types of Session.schema", () => {
  it("give Option of the decoded type", () => {
    expectTypeOf(Typed.get("since")).toEqualTypeOf<
      Effect.Effect<Option.Option<Date>, never, Session.Session>
    >()
    expectTypeOf(Typed.get("theme")).toEqualTypeOf<
      Effect.Effect<Option.Option<"light" | "dark">, never, Session.Session>
    >()
    expectTypeOf(Typed.get("cart.items")).toEqualTypeOf<
      Effect.Effect<Option.Option<ReadonlyArray<Item>>, never, Session.Session>
    >()
    expectTypeOf(Typed.get("address.city")).toEqualTypeOf<
      Effect.Effect<Option.Option<string>, never, Session.Session>
    >()
  })

  it("name SessionDecodeError where invalid values fail", () => {
    expectTypeOf(Strict.get("theme")).toEqualTypeOf<
      Effect.Effect<Option.Option<"light" | "dark">, Session.SessionDecodeError, Session.Session>
    >()
  })

  it("refuse a wrong path or value", () => {
    compiles(() => [
      // @ts-expect-error no such key
      Typed.get("other"),
      // @ts-expect-error no such nested key
      Typed.get("cart.other"),
      // @ts-expect-error no such value
      Typed.put("theme", "red"),
      // @ts-expect-error a number is asked for
      Typed.put("visits", "1"),
      // @ts-expect-error no such item
      Typed.push("cart.items", "sku"),
      // @ts-expect-error not a list
      Typed.push("theme", "light"),
      // @ts-expect-error not a number
      Typed.increment("theme"),
      // @ts-expect-error flash keys have one segment
      Typed.flash("cart.items", [])
    ])

    expectTypeOf(Typed.put).toBeFunction()
  })

  it("allow a nested put only where the other fields are optional", () => {
    compiles(() => [
      Typed.put("cart.items", []),
      // @ts-expect-error the street would be missing
      Typed.put("address.city", "Oslo")
    ])

    expectTypeOf(Typed.put<"cart.since">)
      .parameter(1)
      .toEqualTypeOf<Date>()
  })
})

const at = new Date("2030-01-02T03:04:05.000Z")
const withData = (data: Session.JsonObject) => Effect.provide(Session.layerTest(data))

describe("Session.schema", () => {
  it.effect("stores the encoded and gives the decoded value", () =>
    Effect.gen(function* () {
      yield* Typed.put("since", at)

      expect(yield* Session.get("since")).toEqual(some(at.toISOString()))
      expect(yield* Typed.get("since")).toEqual(some(at))
    }).pipe(withData({}))
  )

  it.effect("encodes and decodes nested values", () =>
    Effect.gen(function* () {
      yield* Typed.put("cart.since", at)
      yield* Typed.push("cart.items", { sku: "a", count: 1 })

      expect(yield* Session.get("cart.since")).toEqual(some(at.toISOString()))
      expect(yield* Typed.get("cart")).toEqual(some({ since: at, items: [{ sku: "a", count: 1 }] }))
    }).pipe(withData({}))
  )

  it.effect("modifies decoded values", () =>
    Effect.gen(function* () {
      const later = yield* Typed.modify("since", () => at)

      expect(later).toEqual(at)
      expect(yield* Typed.increment("visits", 2)).toBe(3)
    }).pipe(withData({ visits: 1 }))
  )

  it.effect("takes a stored value that does not fit as missing", () =>
    Effect.gen(function* () {
      expect(isNone(yield* Typed.get("theme"))).toBe(true)
      expect(yield* Typed.getOrElse("theme", () => "dark" as const)).toBe("dark")
    }).pipe(withData({ theme: "red" }))
  )

  it.effect('fails on a stored value that does not fit with onInvalid: "fail"', () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Strict.get("theme"))

      expect(error).toBeInstanceOf(Session.SessionDecodeError)
      expect(error.key).toBe("theme")
    }).pipe(withData({ theme: "red" }))
  )

  it.effect('gives none for a missing value with onInvalid: "fail"', () =>
    Effect.gen(function* () {
      expect(yield* Strict.get("theme")).toEqual(none())
    }).pipe(withData({}))
  )

  it.effect("leaves keys outside untouched", () =>
    Effect.gen(function* () {
      yield* Typed.put("theme", "dark")
      yield* Typed.forget("visits")

      expect(yield* Session.all).toEqual({ theme: "dark", other: { kept: [1] } })
    }).pipe(withData({ visits: 1, other: { kept: [1] } }))
  )

  it.effect("pulls, flashes and tells what is there", () =>
    Effect.gen(function* () {
      yield* Typed.flash("since", at)

      expect(yield* Typed.has("since")).toBe(true)
      expect(yield* Typed.pull("since")).toEqual(some(at))
      expect(yield* Typed.has("since")).toBe(false)
    }).pipe(withData({}))
  )
})
