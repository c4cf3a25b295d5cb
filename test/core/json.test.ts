import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Fault, isFault } from "../../src/core/fault.js"
import {
  copy,
  equals,
  fromUnknown,
  isList,
  isObject,
  type Json,
  type JsonInput,
  maxDepth
} from "../../src/core/json.js"

const limit = 65_536

const refusal = (value: unknown, maxBytes = limit): Fault["kind"] | "accepted" => {
  const result = fromUnknown(value, maxBytes)
  return isFault(result) ? result.kind : "accepted"
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = wrap(value)
  return value
}

const deepFreeze = <T>(value: T): T => {
  if (typeof value !== "object" || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

const json = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes("__proto__"))
  // The text was just made from a JSON value; parsing it brings -0 to 0.
  .map((text) => JSON.parse(text) as Json)

describe("fromUnknown", () => {
  const cyclicObject: Record<string, unknown> = {}
  cyclicObject.self = cyclicObject
  const cyclicList: Array<unknown> = []
  cyclicList.push(cyclicList)
  const sparse = [1, 2, 3]
  delete sparse[1]
  const throwing = Object.defineProperty({}, "a", {
    enumerable: true,
    get: () => {
      throw new Error("private")
    }
  })

  it.each<readonly [string, unknown]>([
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["a bigint", 1n],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["undefined", undefined],
    ["a Date", new Date(0)],
    ["an invalid Date", new Date(Number.NaN)],
    ["a Map", new Map([["a", 1]])],
    ["a Set", new Set([1])],
    ["a typed array", new Uint8Array(2)],
    ["an object with toJSON", { toJSON: () => "x" }],
    ["an undefined item", [1, undefined]],
    ["a sparse list", sparse],
    ["a list of holes", new Array(3)],
    ["a cyclic object", cyclicObject],
    ["a cyclic list", cyclicList],
    ["an object whose getter throws", throwing]
  ])("refuses %s, at the root and inside (A57)", (_name, value) => {
    const places = [value, [value], { a: [{ b: value }] }]

    const refusals = places.map((place) => refusal(place))

    // An undefined property is left out, not refused.
    expect(refusals).toEqual(
      value === undefined ? ["encode", "encode", "accepted"] : ["encode", "encode", "encode"]
    )
  })

  it("refuses an own __proto__ at any depth and leaves prototypes alone (A35)", () => {
    const body: unknown = JSON.parse('{"a":[{"__proto__":{"polluted":1}}]}')

    const kind = refusal(body)

    expect(kind).toBe("key")
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
  })

  it.each<readonly [string, (inner: unknown) => unknown]>([
    ["lists", (inner) => [inner]],
    ["objects", (inner) => ({ a: inner })]
  ])("accepts %s 32 deep and refuses 33", (_name, wrap) => {
    const depths = [maxDepth, maxDepth + 1].map((depth) => refusal(nested(depth, wrap)))

    expect(maxDepth).toBe(32)
    expect(depths).toEqual(["accepted", "encode"])
  })

  it("refuses a value 10,000 deep without overflowing the stack (A56)", () => {
    expect(refusal(nested(10_000, (inner) => [inner]))).toBe("encode")
  })

  it.each<readonly [string, (length: number) => string]>([
    ["ASCII", (length) => "x".repeat(length)],
    ["two-byte letters", (length) => "é".repeat(length / 2)],
    ["escaped NULs", (length) => "\0".repeat(length / 6)]
  ])("accepts exactly the limit in %s and refuses one byte more", (_name, make) => {
    const value = make(6_000)
    const bytes = bytesOf(value)

    const kinds = [bytes, bytes - 1].map((maxBytes) => refusal(value, maxBytes))

    expect(bytes).toBe(6_002)
    expect(kinds).toEqual(["accepted", "encode"])
  })

  it("accepts every JSON value at exactly its size", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(fromUnknown(value, bytesOf(value))).toEqual(value)
      })
    )
  })

  it("refuses every JSON value without long numbers at one byte less than its size", () => {
    // The long numbers have a claim of their own, below.
    const short = json.filter((value) => !/[\d.e+-]{6}/.test(JSON.stringify(value)))

    fc.assert(fc.property(short, (value) => refusal(value, bytesOf(value) - 1) === "encode"))
  })

  it("refuses a list of long numbers over the limit (A56)", () => {
    const list = Array.from({ length: 10_000 }, () => -Number.MAX_VALUE)

    expect(bytesOf(list)).toBeGreaterThan(limit * 3)
    expect(refusal(list)).toBe("encode")
  })

  it.each<readonly [string, unknown]>([
    ["a string of 10 MB", "x".repeat(10_000_000)],
    ["a list of a million items", new Array(1_000_000).fill(0)]
  ])("returns a fault for %s (A56)", (_name, value) => {
    expect(refusal(value)).toBe("encode")
  })

  it("stops reading a list soon after the limit is passed (A56)", () => {
    let reads = 0
    const list = new Proxy(new Array<number>(1_000_000).fill(0), {
      get: (target, property, receiver): unknown => {
        reads++
        return Reflect.get(target, property, receiver)
      }
    })

    const kind = refusal(list, 1_000)

    expect(kind).toBe("encode")
    expect(reads).toBeLessThan(5_000)
  })

  it("leaves out undefined properties", () => {
    const result = fromUnknown({ a: undefined, b: { c: undefined, d: null } }, limit)

    expect(result).toStrictEqual({ b: { d: null } })
  })

  it("makes -0 into 0", () => {
    const result = fromUnknown([-0, { a: -0 }], limit)

    expect(result).toStrictEqual([0, { a: 0 }])
  })

  it.each(["a\0b", "\ud800", "\udc00x", "\0"])("keeps %j through JSON text (A57)", (text) => {
    const result = fromUnknown({ [text]: text }, limit)

    expect(JSON.parse(JSON.stringify(result))).toStrictEqual({ [text]: text })
  })

  it("never changes its input", () => {
    fc.assert(
      fc.property(json, (value) => {
        const before = JSON.stringify(value)

        fromUnknown(deepFreeze(value), limit)

        expect(JSON.stringify(value)).toBe(before)
      })
    )
  })

  it("shares no container with its input", () => {
    const inner = [1]
    const input = { inner }

    const result = fromUnknown(input, limit)
    inner.push(2)

    expect(result).toStrictEqual({ inner: [1] })
  })

  it("never shows a stored value in its reason", () => {
    const result = fromUnknown({ password: "hunter2", broken: 1n }, limit)

    expect(isFault(result) && result.reason).not.toMatch(/hunter2|password/)
  })
})

describe("copy and equals", () => {
  it("copy makes an equal value that shares no container", () => {
    const original = { list: [{ a: 1 }] }

    const result = copy(original)

    expect(result).toStrictEqual(original)
    expect(result.list).not.toBe(original.list)
    expect(result.list[0]).not.toBe(original.list[0])
  })

  it("copy equals its original for every JSON value", () => {
    fc.assert(fc.property(json, (value) => equals(copy(deepFreeze(value)), value)))
  })

  it("copy drops an own __proto__ (A35)", () => {
    // Text of a foreign writer, which is JSON all the same.
    const foreign = JSON.parse('{"__proto__":{"admin":true},"a":1}') as Json

    const result = copy(foreign)

    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
    expect(result).toStrictEqual({ a: 1 })
  })

  it("equals ignores the order of keys", () => {
    expect(equals({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true)
  })

  it.each<readonly [Json | undefined, Json | undefined]>([
    [1, "1"],
    [null, undefined],
    [null, {}],
    [[], {}],
    [{ 0: 1 }, [1]],
    [
      [1, 2],
      [2, 1]
    ],
    [[1], [1, 2]],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ toString: 1 }, { valueOf: 1 }]
  ])("equals tells %j from %j, both ways", (a, b) => {
    expect([equals(a, b), equals(b, a)]).toEqual([false, false])
  })

  it("equals agrees with a comparison of sorted JSON", () => {
    const sorted = (value: Json): string =>
      JSON.stringify(value, (_key, item: Json) =>
        isObject(item) ? Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)) : item
      )
    const small = fc.oneof(json, fc.constantFrom<Json>(null, 0, "", false, { a: 1 }))

    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(equals(a, b)).toBe(isList(a) === isList(b) && sorted(a) === sorted(b))
      })
    )
  })
})

describe("JsonInput", () => {
  const put = <const T>(_key: string, _value: JsonInput<T>): void => {}

  interface User {
    readonly name: string
    readonly nick?: string
    readonly tags: ReadonlyArray<string>
  }

  it("accepts interfaces, optional properties, tuples and unions of literals", () => {
    const user: User = { name: "Ada", tags: ["a"] }
    const tuple: readonly [number, string] = [1, "a"]
    const theme: "light" | "dark" = Math.random() < 2 ? "light" : "dark"

    put("user", user)
    put("users", [user])
    put("tuple", tuple)
    put("theme", theme)
    put("literal", { a: [1, null, true, { b: "c" }] })

    expect(refusal({ user, tuple, theme })).toBe("accepted")
  })

  it("refuses at compile time what run time refuses", () => {
    // @ts-expect-error a Date is no JSON
    put("date", new Date(0))
    // @ts-expect-error undefined is no JSON
    put("undefined", undefined)
    // @ts-expect-error a bigint is no JSON
    put("bigint", 1n)
    // @ts-expect-error a function is no JSON
    put("function", () => 1)
    // @ts-expect-error a Map is no JSON
    put("map", new Map<string, number>())
    // @ts-expect-error nor is a Date inside
    put("nested", { at: new Date(0) })

    const kinds = [new Date(0), undefined, 1n, () => 1, new Map(), { at: new Date(0) }]
    expect(kinds.map((value) => refusal(value))).toEqual(kinds.map(() => "encode"))
  })
})
