/**
 * What `JsonInput` lets through. The claims are checked by `tsc` (an unused `@ts-expect-error` is an error), and each
 * verdict is held against what `fromUnknown` says about the same value at run time.
 */
import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { isFault } from "../../src/core/session/fault.js"
import { fromUnknown, type Json, type JsonInput } from "../../src/core/session/json.js"

// The two forms of signature that the doc comment of JsonInput names.
const put = <const T>(_key: string, value: JsonInput<T>): boolean => accepts(value)
const modify = <const T>(change: (current: Json | undefined) => JsonInput<T>): boolean =>
  accepts(change(undefined))

const accepts = (value: unknown): boolean => !isFault(fromUnknown(value, 65_536))

/** Hides from the compiler which member of a union a value is. */
const oneOf = <T>(value: T): T => value

interface Item {
  readonly sku: string
  quantity: number
}

interface Cart {
  items: Array<Item>
  readonly first?: Item
  note?: string | undefined
}

interface Tree {
  readonly value: number
  readonly children: ReadonlyArray<Tree>
}

interface Link {
  readonly next: Link | null
}

type Nested = string | { readonly [key: string]: Nested } | ReadonlyArray<Nested>

class Point {
  constructor(
    readonly x: number,
    readonly y: number
  ) {}
}

class Counter {
  count = 0
  increment(): void {
    this.count++
  }
}

enum Color {
  Red = "red"
}

const item: Item = { sku: "a", quantity: 1 }
const deep: Json = { list: [{ a: [null, true, 1, "x", { b: {} }] }] }

describe("JsonInput accepts", () => {
  it("an interface, alone and inside lists and objects", () => {
    const cart: Cart = { items: [item] }

    expect([put("k", cart), put("k", [cart]), put("k", { a: { b: [cart] } })]).not.toContain(false)
  })

  it("optional properties, with and without undefined", () => {
    const bare: Cart = { items: [] }
    const full: Cart = { items: [], first: item, note: undefined }
    const partial: Partial<Cart> = {}

    expect([put("k", bare), put("k", full), put("k", partial)]).not.toContain(false)
  })

  it("an index signature whose properties may be undefined", () => {
    const byName: Record<string, Item | undefined> = { a: item, b: undefined }

    expect(put("k", byName)).toBe(true)
  })

  it("Json itself and recursive types", () => {
    const tree: Tree = { value: 1, children: [{ value: 2, children: [] }] }
    const link: Link = { next: { next: null } }
    const nested: Nested = { a: ["b", { c: "d" }] }

    const verdicts = [
      put("k", deep),
      put("k", [deep, { deep }]),
      put<Json>("k", deep),
      put("k", tree),
      put("k", link),
      put("k", nested)
    ]

    expect(verdicts).not.toContain(false)
  })

  it("literals, unions, enums, brands, tuples and read-only lists", () => {
    // A brand exists for the compiler alone.
    const brand = "b" as string & { readonly Brand: "id" }
    const tuple: readonly [number, string, boolean?] = [1, "a"]

    const verdicts = [
      put("k", oneOf<"light" | "dark" | 3>("light")),
      put("k", oneOf<Item | ReadonlyArray<Item> | null>(null)),
      put("k", Color.Red),
      put("k", brand),
      put("k", tuple),
      put("k", [1, "a", [true, null, { a: [] }]] as const),
      put("k", {}),
      put("k", [])
    ]

    expect(verdicts).not.toContain(false)
  })

  it("an instance of a class that is nothing but data", () => {
    expect(put("k", new Point(1, 2))).toBe(true)
  })

  it("any, which says that the caller knows better", () => {
    expect(put("k", JSON.parse('{"a":1}'))).toBe(true)
  })

  it("what a callback returns", () => {
    const verdicts = [
      modify(() => item),
      modify(() => ({ a: [1, { b: "c" }] })),
      modify((current) => current ?? null),
      modify((current) => (typeof current === "number" ? current + 1 : 1))
    ]

    expect(verdicts).not.toContain(false)
  })

  it("a type parameter of the caller, named as Json", () => {
    const store = <J extends Json>(value: J) => put<Json>("k", value)

    expect(store({ a: 1 })).toBe(true)
  })
})

describe("JsonInput refuses", () => {
  it("undefined, alone, in a union, in a list and in a required property", () => {
    const required: { readonly a: string | undefined } = { a: undefined }
    const list: ReadonlyArray<string | undefined> = ["a", undefined]

    // @ts-expect-error
    put("k", undefined)
    // @ts-expect-error
    put("k", oneOf<string | undefined>(undefined))
    // @ts-expect-error
    put("k", list)
    // @ts-expect-error the property may be left out, but this type says that it is there
    put("k", required)
    // @ts-expect-error
    modify((current) => current)

    expect([undefined, list].map(accepts)).toEqual([false, false])
  })

  it("scalars that JSON cannot hold", () => {
    const verdicts = [
      // @ts-expect-error
      put("k", 1n),
      // @ts-expect-error
      put("k", Symbol("s")),
      // @ts-expect-error
      put("k", [1n])
    ]

    expect(verdicts).not.toContain(true)
  })

  it("functions, methods and classes", () => {
    const optional: { readonly a?: () => number } = { a: () => 1 }

    const verdicts = [
      // @ts-expect-error
      put("k", () => 1),
      // @ts-expect-error
      put("k", [() => 1]),
      // @ts-expect-error
      put("k", { method() {} }),
      // @ts-expect-error
      put("k", optional),
      // @ts-expect-error
      put("k", Point),
      // @ts-expect-error
      put("k", class {}),
      // @ts-expect-error
      modify(() => () => 1)
    ]

    expect(verdicts).not.toContain(true)
  })

  it("an instance of a class with a method", () => {
    // Run time sees the data alone: the method sits on the prototype.
    // @ts-expect-error
    expect(put("k", new Counter())).toBe(true)
  })

  it("built-in objects, at any depth", () => {
    const verdicts = [
      // @ts-expect-error
      put("k", new Date(0)),
      // @ts-expect-error
      put("k", new Map<string, number>()),
      // @ts-expect-error
      put("k", new Set<string>()),
      // @ts-expect-error
      put("k", /a/),
      // @ts-expect-error
      put("k", new Error("e")),
      // @ts-expect-error
      put("k", new URL("http://localhost")),
      // @ts-expect-error
      put("k", new Uint8Array(1)),
      // @ts-expect-error
      put("k", Promise.resolve(1)),
      // @ts-expect-error
      put("k", oneOf<Item | Date>(new Date(0))),
      // @ts-expect-error
      put("k", { a: { b: [1, new Date(0)] } }),
      // @ts-expect-error
      modify(() => new Date(0))
    ]

    expect(verdicts).not.toContain(true)
  })

  it("unknown and object, which could be anything", () => {
    const map = new Map()

    const verdicts = [
      // @ts-expect-error
      put("k", oneOf<unknown>(map)),
      // @ts-expect-error
      put("k", oneOf<object>(map)),
      // @ts-expect-error
      put("k", [oneOf<object>(map)]),
      // @ts-expect-error
      put("k", oneOf<{ readonly a: unknown }>({ a: map })),
      // @ts-expect-error
      put("k", oneOf<{ readonly a?: object }>({ a: map }))
    ]

    expect(verdicts).not.toContain(true)
  })
})

describe("JsonInput is", () => {
  it("the type itself where that is JSON", () => {
    expectTypeOf<JsonInput<Json>>().toEqualTypeOf<Json>()
    expectTypeOf<JsonInput<"a" | 1>>().toEqualTypeOf<"a" | 1>()
    expectTypeOf<JsonInput<readonly [1, { readonly a: null }]>>().toEqualTypeOf<
      readonly [1, { readonly a: null }]
    >()
  })

  it("never where nothing of the type is JSON", () => {
    expectTypeOf<JsonInput<undefined>>().toBeNever()
    expectTypeOf<JsonInput<bigint>>().toBeNever()
    expectTypeOf<JsonInput<() => string>>().toBeNever()
    expectTypeOf<JsonInput<typeof Point>>().toBeNever()
    expectTypeOf<JsonInput<unknown>>().toBeNever()
    expectTypeOf<JsonInput<object>>().toBeNever()
  })
})
