import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Fault, isFault } from "../../src/core/session/fault.js"
import {
  copy,
  equals,
  fromUnknown,
  isDeeperThan,
  isList,
  isObject,
  type Json,
  maxDepth
} from "../../src/core/session/json.js"

const limit = 65_536

const refusal = (value: unknown, maxBytes = limit): Fault["kind"] | "accepted" => {
  const result = fromUnknown(value, maxBytes)
  return isFault(result) ? result.kind : "accepted"
}

const reasonOf = (value: unknown, maxBytes = limit): string | undefined => {
  const result = fromUnknown(value, maxBytes)
  return isFault(result) ? result.reason : undefined
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
  const fail = (): never => {
    throw new Error("private")
  }
  const throwing = Object.defineProperty({}, "a", { enumerable: true, get: fail })
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

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
    ["an object whose getter throws", throwing],
    [
      "an object whose tag throws",
      {
        get [Symbol.toStringTag]() {
          return fail()
        }
      }
    ],
    ["a proxy that throws", new Proxy({}, { ownKeys: fail })],
    ["a revoked proxy", revoked.proxy],
    ["a boxed string", Object("x")],
    ["an Error", new Error("private")],
    ["a URL", new URL("http://localhost")],
    ["a promise", Promise.resolve(1)]
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

  it("refuses an own __proto__ whatever its value", () => {
    const bodies = ["null", "1", "{}"].map((text) => JSON.parse(`{"__proto__":${text}}`))

    expect(bodies.map((body) => refusal(body))).toEqual(["key", "key", "key"])
  })

  it("keeps constructor, prototype and toString as plain data (A35)", () => {
    const text = '{"constructor":{"prototype":{"polluted":1}},"prototype":2,"toString":"x"}'

    const result = fromUnknown(JSON.parse(text), limit)

    expect(JSON.stringify(result)).toBe(text)
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
  })

  it("keeps a toJSON that is data", () => {
    expect(fromUnknown({ toJSON: 1 }, limit)).toStrictEqual({ toJSON: 1 })
  })

  it("makes a plain object of one without a prototype and of an instance", () => {
    class Point {
      readonly x = 1
    }
    const bare: unknown = Object.assign(Object.create(null), { x: 1 })

    const results = [bare, new Point()].map((value) => fromUnknown(value, limit))

    expect(results).toStrictEqual([{ x: 1 }, { x: 1 }])
  })

  it("sees own enumerable properties with a text for a key, and no others", () => {
    const value = Object.create({ inherited: 1 }, { hidden: { value: 1, enumerable: false } })
    Object.assign(value, { own: 1, [Symbol("s")]: 1 })

    const result = fromUnknown(value, limit)

    expect(Reflect.ownKeys(Object(result))).toEqual(["own"])
  })

  it("reads every property once, so that what was checked is what is kept", () => {
    let reads = 0
    const shifty = Object.defineProperty({}, "a", { enumerable: true, get: () => ++reads })

    const result = fromUnknown(shifty, limit)

    expect([result, reads]).toEqual([{ a: 1 }, 1])
  })

  it.each<readonly [string, (inner: unknown) => unknown]>([
    ["lists", (inner) => [inner]],
    ["objects", (inner) => ({ a: inner })]
  ])("accepts %s 32 deep and refuses 33", (_name, wrap) => {
    const depths = [maxDepth, maxDepth + 1].map((depth) => refusal(nested(depth, wrap)))

    expect(maxDepth).toBe(32)
    expect(depths).toEqual(["accepted", "encode"])
  })

  it.each<readonly [string, (inner: unknown) => unknown]>([
    ["lists", (inner) => [inner]],
    ["objects", (inner) => ({ a: inner })]
  ])("refuses %s a million deep without overflowing the stack (A56)", (_name, wrap) => {
    expect(refusal(nested(1_000_000, wrap))).toBe("encode")
  })

  it("refuses shared references that unfold to a billion items", () => {
    let value: unknown = [1]
    for (let level = 0; level < 30; level++) value = [value, value]

    expect(refusal(value)).toBe("encode")
  })

  it("counts a scalar as no level at all", () => {
    expect(refusal(nested(maxDepth, (inner) => [inner, "x"]))).toBe("accepted")
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

  it("refuses every JSON value at one byte less than its size", () => {
    fc.assert(fc.property(json, (value) => refusal(value, bytesOf(value) - 1) === "encode"))
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

  it("refuses an object of a million keys (A56)", () => {
    const value = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, index) => [index, 0]))

    expect(refusal(value)).toBe("encode")
  })

  it("stops reading an object soon after the limit is passed (A56)", () => {
    let reads = 0
    const target = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [index, 0]))
    const object = new Proxy(target, {
      get: (from, property): unknown => {
        if (typeof property === "string" && property !== "toJSON") reads++
        return Reflect.get(from, property)
      }
    })

    const kind = refusal(object, 1_000)

    expect(kind).toBe("encode")
    expect(reads).toBeLessThan(1_000)
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

  it.each<readonly [string, unknown]>([
    ["it contains NaN, which JSON cannot hold", [Number.NaN]],
    ["it contains Infinity, which JSON cannot hold", [Number.POSITIVE_INFINITY]],
    ["it contains a Map", [new Map()]],
    ["it contains an Error", [new Error("private")]],
    ["it contains a value of type bigint", [1n]],
    ["it contains an object that is not plain data", [{ [Symbol.toStringTag]: "hunter2" }]],
    ["it contains an object with a toJSON method; encode it first", [{ toJSON: () => 1 }]],
    ["it contains the key __proto__", JSON.parse('{"__proto__":1}')],
    ["it is nested deeper than 32 levels or refers to itself", cyclicList],
    ["it is larger than 65536 bytes", "x".repeat(limit)],
    ["reading it threw an error", throwing]
  ])("gives the reason %j", (reason, value) => {
    expect(reasonOf(value)).toBe(reason)
  })

  it("never shows a stored value in its reason", () => {
    const reason = reasonOf({ password: "hunter2", broken: 1n })

    expect(reason).toBeTypeOf("string")
    expect(reason).not.toMatch(/hunter2|password/)
  })
})

describe("isDeeperThan", () => {
  it.each<readonly [string, (inner: unknown) => unknown]>([
    ["lists", (inner) => [0, inner]],
    ["objects", (inner) => ({ a: 0, b: inner })]
  ])("counts the levels of %s", (_name, wrap) => {
    // Made of JSON alone.
    const value = nested(3, wrap) as Json

    expect([2, 3, 4].map((levels) => isDeeperThan(value, levels))).toEqual([true, false, false])
  })

  it("finds a scalar no level deep, and an empty list one", () => {
    expect([isDeeperThan("x", 0), isDeeperThan([], 0), isDeeperThan([], 1)]).toEqual([
      false,
      true,
      false
    ])
  })

  it("looks no deeper than it is asked, in a value a million levels deep", () => {
    // Made of JSON alone.
    const value = nested(1_000_000, (inner) => [inner]) as Json

    expect(isDeeperThan(value, maxDepth)).toBe(true)
  })
})

describe("isObject and isList", () => {
  it.each<readonly [Json | undefined, boolean, boolean]>([
    [{}, true, false],
    [[], false, true],
    [null, false, false],
    [undefined, false, false],
    ["text", false, false],
    [0, false, false]
  ])("tell %j: object %j, list %j", (value, object, list) => {
    expect([isObject(value), isList(value)]).toEqual([object, list])
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

  it("equals takes no inherited property for one that is missing", () => {
    // The prototype of every object has no keys, as the own property of the first has none.
    const foreign = JSON.parse('{"__proto__":{}}') as Json

    expect([equals(foreign, { a: 1 }), equals({ a: 1 }, foreign)]).toEqual([false, false])
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
