import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
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

describe("the types of what is stored", () => {
  it("take JSON of a type parameter, so that helpers can be written", () => {
    compiles(() => [
      <T extends Session.Json>(value: T) => Session.put("a", value),
      <T extends Session.Json>(value: T) => Session.push("a", value),
      <T extends Session.Json>(value: T) => Session.flash("a", value),
      <T extends Session.Json>(value: T) => Session.now("a", value),
      <T extends Session.Json>(value: T) => Session.modify("a", () => value),
      <T extends Session.Json>(value: T) => Session.remember("a", Effect.succeed(value)),
      <T extends Session.Json>(value: ReadonlyArray<T>) => Session.put("a", { value }),
      <T extends Session.JsonObject>(values: T) => Session.put(values),
      <T extends Session.JsonObject>(values: T) => Session.flash(values),
      <T extends Session.JsonObject>(values: T) => Session.replace(values),
      <T extends Session.JsonObject>(values: T) => Session.layerTest(values)
    ])
  })

  it("take interfaces wherever a value is taken", () => {
    const profile: Profile = { name: "Ann" }

    compiles(() => [
      Session.push("a", profile),
      Session.flash("a", [profile]),
      Session.flash(profile),
      Session.now("a", profile),
      Session.modify("a", () => profile),
      Session.remember("a", Effect.succeed(profile)),
      Session.put(profile),
      Session.replace(profile),
      Session.flashInput(profile),
      Session.layerTest(profile)
    ])
  })

  it("refuse what could be anything", () => {
    compiles(() => {
      const anything: unknown = 1
      return [
        // @ts-expect-error unknown could be anything
        Session.put("a", anything),
        // @ts-expect-error unknown could be anything
        Session.put("a", { anything }),
        // @ts-expect-error object could be anything
        Session.put("a", anything as object),
        // @ts-expect-error a property that is there is not undefined
        Session.put("a", anything as { readonly a: string | undefined })
      ]
    })
  })

  it("refuse a list, or a key alone, in the place of an object", () => {
    compiles(() => [
      // @ts-expect-error a list has no keys
      Session.put([1]),
      // @ts-expect-error a list has no keys
      Session.flash([1]),
      // @ts-expect-error a list has no keys
      Session.replace([1]),
      // @ts-expect-error a list has no keys
      Session.layerTest([1]),
      // @ts-expect-error a value is missing
      Session.put("a"),
      // @ts-expect-error neither a key and a value nor an object
      Session.put(42)
    ])
  })

  it("take one of expiresIn and expiresAt", () => {
    compiles(() => [
      Session.put("a", 1, { expiresIn: "1 minute" }),
      Session.put("a", 1, { expiresAt: new Date() }),
      // @ts-expect-error they exclude each other
      Session.put("a", 1, { expiresIn: "1 minute", expiresAt: new Date() })
    ])
  })
})

describe("the type of the service", () => {
  it("shows nothing of a session and lets nothing be written to it", () => {
    type Service = Effect.Effect.Success<typeof Session.Session>

    expectTypeOf<Extract<keyof Service, string | number>>().toEqualTypeOf<never>()
    compiles(() =>
      Effect.map(Session.Session, (service) => {
        // @ts-expect-error the life of the session is not to be seen
        service.life
        // @ts-expect-error nothing can be written
        service.life = null
        // @ts-expect-error nothing can be added
        service.anything = 1
        // @ts-expect-error only this library makes one
        const made: typeof service = {}
        return made
      })
    )
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
    expectTypeOf(Session.requireRecentLogin("1 minute")).toEqualTypeOf<
      Effect.Effect<void, Session.SessionReauthenticationRequired, Session.Session>
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

describe("the verbs of Session.schema", () => {
  it("name SessionDecodeError wherever they need a stored value that may be invalid", () => {
    type Fails<A, E = Session.SessionDecodeError> = Effect.Effect<A, E, Session.Session>

    expectTypeOf(Strict.has("theme")).toEqualTypeOf<Fails<boolean>>()
    expectTypeOf(Strict.modify("visits", () => 1)).toEqualTypeOf<Fails<number>>()
    expectTypeOf(Strict.push("cart.items", { sku: "a", count: 1 })).toEqualTypeOf<Fails<void>>()
    expectTypeOf(Strict.increment("visits")).toEqualTypeOf<
      Fails<number, Session.SessionDecodeError | Session.SessionTypeError>
    >()
    expectTypeOf(Strict.pull("visits")).toEqualTypeOf<Fails<Option.Option<number>>>()
    expectTypeOf(Strict.put("visits", 1)).toEqualTypeOf<Fails<void, never>>()
    expectTypeOf(Strict.forget("visits")).toEqualTypeOf<Fails<void, never>>()
  })

  it("give the values of all or some keys, each of which may be missing", () => {
    expectTypeOf(Typed.only("theme", "visits")).toEqualTypeOf<
      Effect.Effect<
        { readonly theme?: "light" | "dark"; readonly visits?: number },
        never,
        Session.Session
      >
    >()
    expectTypeOf(Typed.except("cart", "address", "since")).toEqualTypeOf<
      Effect.Effect<
        { readonly theme?: "light" | "dark"; readonly visits?: number },
        never,
        Session.Session
      >
    >()
    expectTypeOf<Effect.Effect.Success<typeof Typed.all>>()
      .toHaveProperty("since")
      .toEqualTypeOf<Date | undefined>()
    compiles(() => [
      // @ts-expect-error no such key
      Typed.only("other"),
      // @ts-expect-error keys have one segment here
      Typed.except("cart.items")
    ])
  })

  it("take several paths, or a list of them", () => {
    compiles(() => [
      Typed.has("theme", "cart.items"),
      Typed.hasAny(["theme", "cart.items"]),
      Typed.exists("address.city"),
      Typed.missing("address.city"),
      Typed.forget("theme", ["visits"]),
      Typed.keep("theme"),
      // @ts-expect-error no such path
      Typed.has("theme", "cart.other")
    ])
  })

  it("put an object of values by path", () => {
    compiles(() => [
      Typed.put({ theme: "dark", visits: 1 }),
      Typed.put({ "cart.since": new Date() }),
      // @ts-expect-error no such value
      Typed.put({ theme: "red" }),
      // @ts-expect-error no such key
      Typed.put({ other: 1 }),
      // @ts-expect-error the street would be missing
      Typed.put({ "address.city": "Oslo" })
    ])
  })

  it("take an expiry for a key, not for a nested path", () => {
    compiles(() => [
      Typed.put("theme", "dark", { expiresIn: "1 minute" }),
      // @ts-expect-error keys with an expiry have one segment
      Typed.put("cart.items", [], { expiresIn: "1 minute" })
    ])
  })

  it("flash an object, or a key and a value", () => {
    compiles(() => [
      Typed.flash({ theme: "dark" }),
      Typed.now("theme", "dark"),
      // @ts-expect-error no such value
      Typed.flash({ theme: "red" }),
      // @ts-expect-error flash keys have one segment
      Typed.flash({ "cart.items": [] }),
      // @ts-expect-error no such value
      Typed.now("theme", "red")
    ])
  })

  it("remember a value of the type of the path, with the error of the effect", () => {
    expectTypeOf(Strict.remember("visits", Effect.fail("no" as const))).toEqualTypeOf<
      Effect.Effect<number, Session.SessionDecodeError | "no", Session.Session>
    >()
    compiles(() => [
      // @ts-expect-error a number is asked for
      Typed.remember("visits", Effect.succeed("1"))
    ])
  })

  it("take away no field that its struct requires", () => {
    compiles(() => [
      Typed.forget("cart.items"),
      Typed.pull("cart.since"),
      Typed.consume("address"),
      // @ts-expect-error the struct would be invalid without it
      Typed.forget("address.city"),
      // @ts-expect-error the struct would be invalid without it
      Typed.pull("address.city"),
      // @ts-expect-error the struct would be invalid without it
      Typed.consume("address.city")
    ])
  })
})

describe("the fields of Session.schema", () => {
  interface Category {
    readonly name: string
    readonly children: ReadonlyArray<Category>
  }
  const Category = Schema.Struct({
    name: Schema.String,
    children: Schema.Array(Schema.suspend((): Schema.Schema<Category> => Category))
  })
  class Person extends Schema.Class<Person>("Person")({ name: Schema.String }) {}
  const Sku = Schema.String.pipe(Schema.brand("Sku"))
  const Kinds = Session.schema({
    person: Person,
    category: Category,
    either: Schema.Union(Schema.Struct({ a: Schema.String }), Schema.Number),
    counts: Schema.Record({ key: Schema.String, value: Schema.Number }),
    open: Schema.Struct({ a: Schema.Number }, { key: Schema.String, value: Schema.Number }),
    sku: Sku,
    at: Schema.DateTimeUtc,
    maybe: Schema.Option(Schema.Number),
    index: Schema.Map({ key: Schema.String, value: Schema.Number }),
    big: Schema.BigInt,
    draft: Schema.mutable(Schema.Struct({ a: Schema.String })),
    names: Schema.NonEmptyArray(Schema.String),
    pair: Schema.Tuple(Schema.String, Schema.Number),
    nullable: Schema.NullOr(Schema.Array(Schema.String)),
    code: Schema.String.pipe(Schema.pattern(/^\d+$/)),
    refined: Schema.Struct({ a: Schema.Number }).pipe(Schema.filter(({ a }) => a > 0)),
    settings: Schema.Struct({
      size: Schema.optionalWith(Schema.Number, { default: () => 10 }),
      hint: Schema.optionalWith(Schema.String, { as: "Option" }),
      exact: Schema.optionalWith(Schema.String, { exact: true }),
      renamed: Schema.optional(Schema.Date).pipe(Schema.fromKey("renamed_at")),
      inner: Schema.optional(Schema.Struct({ a: Schema.String })),
      "dotted.name": Schema.optional(Schema.String)
    })
  })

  it("that are no plain struct have no paths inside", () => {
    compiles(() => [
      // @ts-expect-error a class is put whole
      Kinds.get("person.name"),
      // @ts-expect-error a union is put whole
      Kinds.get("either.a"),
      // @ts-expect-error a record is put whole
      Kinds.get("counts.a"),
      // @ts-expect-error a struct with an index signature is put whole
      Kinds.get("open.a"),
      // @ts-expect-error a mutable struct is put whole
      Kinds.get("draft.a"),
      // @ts-expect-error a filter looks at the whole struct
      Kinds.get("refined.a"),
      // @ts-expect-error an optional struct is put whole
      Kinds.get("settings.inner.a"),
      // @ts-expect-error an item of a list is changed by modify
      Kinds.get("names.0"),
      // @ts-expect-error a name with a dot is no segment
      Kinds.get("settings.dotted.name")
    ])
  })

  it("give their decoded types", () => {
    type Read<A> = Effect.Effect<Option.Option<A>, never, Session.Session>

    expectTypeOf(Kinds.get("person")).toEqualTypeOf<Read<Person>>()
    expectTypeOf(Kinds.get("category.children")).toEqualTypeOf<Read<ReadonlyArray<Category>>>()
    expectTypeOf(Kinds.get("sku")).toEqualTypeOf<Read<typeof Sku.Type>>()
    expectTypeOf(Kinds.get("at")).toEqualTypeOf<Read<typeof Schema.DateTimeUtc.Type>>()
    expectTypeOf(Kinds.get("maybe")).toEqualTypeOf<Read<Option.Option<number>>>()
    expectTypeOf(Kinds.get("big")).toEqualTypeOf<Read<bigint>>()
    expectTypeOf(Kinds.get("draft")).toEqualTypeOf<Read<{ a: string }>>()
    expectTypeOf(Kinds.get("names")).toEqualTypeOf<Read<readonly [string, ...Array<string>]>>()
    expectTypeOf(Kinds.get("settings.size")).toEqualTypeOf<Read<number>>()
    expectTypeOf(Kinds.get("settings.hint")).toEqualTypeOf<Read<Option.Option<string>>>()
    expectTypeOf(Kinds.get("settings.exact")).toEqualTypeOf<Read<string>>()
    expectTypeOf(Kinds.get("settings.renamed")).toEqualTypeOf<Read<Date>>()
  })

  it("decide by their encoded side what may be put alone", () => {
    compiles(() => [
      Kinds.put("settings.size", 1),
      Kinds.put("settings.exact", "a"),
      Kinds.put("settings.renamed", new Date()),
      // @ts-expect-error not the encoded side
      Kinds.put("settings.renamed", "2030-01-01"),
      // @ts-expect-error an unbranded text
      Kinds.put("sku", "a"),
      // @ts-expect-error the children would be missing
      Kinds.put("category.name", "a")
    ])
  })

  it("are pushed to where they are lists of any length, of null too", () => {
    compiles(() => [
      Kinds.push("names", "a"),
      Kinds.push("nullable", "a"),
      // @ts-expect-error a tuple has a fixed length
      Kinds.push("pair", 1)
    ])
  })

  it("are refused with requirements, with an encoded side that is not JSON, and inside out", () => {
    class Service extends Effect.Tag("Service")<Service, { readonly salt: string }>() {}
    const Needy = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: () => Service.salt,
      encode: () => Service.salt
    })

    compiles(() => [
      // @ts-expect-error a schema with requirements
      Session.schema({ a: Needy }),
      // @ts-expect-error a Date is not JSON
      Session.schema({ a: Schema.DateFromSelf }),
      // @ts-expect-error a nested bigint is not JSON
      Session.schema({ a: Schema.Struct({ b: Schema.BigIntFromSelf }) }),
      // @ts-expect-error undefined is not JSON
      Session.schema({ a: Schema.UndefinedOr(Schema.String) }),
      // @ts-expect-error unknown could be anything
      Session.schema({ a: Schema.Unknown }),
      // @ts-expect-error every key may be missing anyway
      Session.schema({ a: Schema.optional(Schema.String) }),
      // @ts-expect-error a name is one segment
      Session.schema({ "a.b": Schema.String })
    ])
  })

  it("may be forty, five levels deep", () => {
    const leaves = {
      text: Schema.optional(Schema.String),
      list: Schema.optional(Schema.Array(Item))
    }
    const level4 = Schema.Struct({ ...leaves, count: Schema.optional(Schema.Number) })
    const level3 = Schema.Struct({ text: leaves.text, below: level4 })
    const level2 = Schema.Struct({ text: leaves.text, below: level3, other: level4 })
    const deep = Schema.Struct({ text: leaves.text, below: level2, other: level3 })
    const Deep = Session.schema({
      k00: deep,
      k01: deep,
      k02: deep,
      k03: deep,
      k04: deep,
      k05: deep,
      k06: deep,
      k07: deep,
      k08: deep,
      k09: deep,
      k10: deep,
      k11: deep,
      k12: deep,
      k13: deep,
      k14: deep,
      k15: deep,
      k16: deep,
      k17: deep,
      k18: deep,
      k19: deep,
      k20: deep,
      k21: deep,
      k22: deep,
      k23: deep,
      k24: deep,
      k25: deep,
      k26: deep,
      k27: deep,
      k28: deep,
      k29: deep,
      k30: deep,
      k31: deep,
      k32: deep,
      k33: deep,
      k34: deep,
      k35: deep,
      k36: deep,
      k37: deep,
      k38: deep,
      k39: deep
    })

    expectTypeOf(Deep.get("k39.below.below.below.list")).toEqualTypeOf<
      Effect.Effect<Option.Option<ReadonlyArray<Item>>, never, Session.Session>
    >()
    compiles(() => [
      Deep.put("k00", { below: { below: { below: {} }, other: {} }, other: { below: {} } }),
      Deep.has("k20.other.below.count", "k21.text"),
      Deep.forget("k22.other.below.count"),
      // @ts-expect-error no such path
      Deep.get("k39.below.below.below.below")
    ])
  })

  it("may be those of the specification's example", () => {
    const CartItem = Item
    const Cart = Session.schema({
      theme: Schema.Literal("light", "dark"),
      cart: Schema.Struct({
        items: Schema.Array(CartItem),
        since: Schema.optional(Schema.Date)
      })
    })
    const item: Item = { sku: "tea", count: 1 }

    const program = Effect.gen(function* () {
      yield* Cart.put("cart.items", [item])
      const items = yield* Cart.get("cart.items")
      return items
    })

    expectTypeOf(program).toEqualTypeOf<
      Effect.Effect<Option.Option<ReadonlyArray<Item>>, never, Session.Session>
    >()
  })
})
