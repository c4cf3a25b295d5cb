import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isFault } from "../../src/core/session/fault.js"
import { equals, type Json, type JsonObject } from "../../src/core/session/json.js"
import {
  display,
  get,
  isKey,
  literal,
  parse,
  pick,
  removeAll,
  set,
  single
} from "../../src/core/session/path.js"

const remove = (root: JsonObject, path: ReadonlyArray<string>) => removeAll(root, [path])

const deepFreeze = <T>(value: T): T => {
  if (typeof value !== "object" || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

const kindOf = (value: unknown) => (isFault(value) ? value.kind : "accepted")

const segment = fc.constantFrom("a", "b", "0", "1", "toString", "length", "a.b")
const path = fc.array(segment, { minLength: 1, maxLength: 4 })
const { value: json } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, 0, "x", true),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object")
  ),
  object: fc.dictionary(segment, tie("value"), { maxKeys: 3 })
}))
const root: fc.Arbitrary<JsonObject> = fc.dictionary(segment, json, { maxKeys: 4 }).map(deepFreeze)

describe("parse", () => {
  it("splits a text at its dots", () => {
    expect([parse("a"), parse("cart.items.0")]).toEqual([["a"], ["cart", "items", "0"]])
  })

  it("takes literal segments as they are, dots too", () => {
    expect(parse(literal("a.b", "c"))).toEqual(["a.b", "c"])
  })

  const bad = [
    "",
    ".",
    ".a",
    "a.",
    "a..b",
    "__proto__",
    "__proto__.polluted",
    "a.__proto__.b",
    "constructor.prototype.x",
    "a.prototype",
    "a.".repeat(9_999).concat("a"),
    "a.".repeat(32).concat("a")
  ]

  it.each(bad)("refuses %j as a text and isKey agrees (A34, A36)", (text) => {
    expect([kindOf(parse(text)), isKey(text)]).toEqual(["key", false])
  })

  it.each([
    [[]],
    [["a", ""]],
    [["__proto__"]],
    [["a", "constructor"]],
    [new Array<string>(33).fill("a")]
  ])("refuses the literal segments %j (A34, A36)", (segments) => {
    expect(kindOf(parse(literal(...segments)))).toBe("key")
  })

  it("accepts 32 segments", () => {
    const text = new Array(32).fill("a").join(".")

    expect([kindOf(parse(text)), isKey(text)]).toEqual(["accepted", true])
  })

  it.each(["toString", "a b", "é", "0", "proto", "__proto", "length"])("accepts %j", (text) => {
    expect([parse(text), isKey(text)]).toEqual([[text], true])
  })

  it.each<readonly [string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a number", 5],
    ["a list", ["a"]],
    ["segments that are no list", { segments: "a" }],
    ["a segment that is no text", { segments: ["a", Symbol("s")] }],
    ["a hole among the segments", { segments: new Array(1) }]
  ])("refuses %s from a caller without types, and display can show it", (_name, value) => {
    // What JavaScript, or a cast, may hand in.
    const key = value as string

    expect([kindOf(parse(key)), kindOf(single(key)), isKey(key)]).toEqual(["key", "key", false])
    expect(display(key)).toBeTypeOf("string")
  })

  it("gives the same segments however often and among however many keys it is asked", () => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `a.${index}`)
    const rounds = [...keys, ...keys, "a.0", "a.0"]

    const results = rounds.map((key) => parse(key))

    expect(results).toEqual(rounds.map((key) => key.split(".")))
  })

  it("refuses a bad key every time", () => {
    expect([1, 2, 3].map(() => kindOf(parse("a.__proto__")))).toEqual(["key", "key", "key"])
  })

  it("agrees with a plain split for every text it accepts, and with isKey for all", () => {
    const text = fc
      .array(fc.oneof(segment, fc.string({ maxLength: 60 })), { maxLength: 5 })
      .map((parts) => parts.join("."))

    fc.assert(
      fc.property(text, (key) => {
        const results = [parse(key), parse(key)]

        expect(results.map(isFault)).toEqual([!isKey(key), !isKey(key)])
        if (isKey(key)) expect(results).toEqual([key.split("."), key.split(".")])
      })
    )
  })

  it("never hands out segments that others can change", () => {
    const mutable = ["a", "b"]
    const fromPath = parse({ _tag: "Path", segments: mutable })
    mutable[1] = "__proto__"

    expect(fromPath).toEqual(["a", "b"])
    expect([parse("x.y"), parse("x.y")].map((each) => Object.isFrozen(each))).toEqual([true, true])
  })

  it("lets single take one segment alone", () => {
    const results = [single("a"), single(literal("a.b"))]

    expect(results).toEqual(["a", "a.b"])
    expect([kindOf(single("a.b")), kindOf(single(""))]).toEqual(["key", "key"])
  })
})

describe("display", () => {
  it("shows a key of 80 characters whole and cuts a longer one", () => {
    const whole = "k".repeat(80)

    expect(display(whole)).toBe(whole)
    expect(display(`${whole}k`)).toBe(`${"k".repeat(79)}…`)
  })

  it("joins segments with dots", () => {
    expect([display(literal("a", "b")), display(["a", "b"])]).toEqual(["a.b", "a.b"])
  })

  it("is at most 80 characters for every key", () => {
    const segments = fc.array(fc.string({ maxLength: 100 }), { maxLength: 40 })

    fc.assert(fc.property(segments, (key) => display(literal(...key)).length <= 80))
  })

  it.each<readonly [string, string, string]>([
    ["a line break", "a\n2026-01-01 logged in", "a\\u{a}2026-01-01 logged in"],
    ["an escape sequence", "\u001b[2J", "\\u{1b}[2J"],
    ["NUL and DEL", "a\0b\u007f", "a\\u{0}b\\u{7f}"],
    ["a line separator", "a\u2028b", "a\\u{2028}b"],
    ["a change of the direction of text", "a\u202eb", "a\\u{202e}b"],
    ["half a character", "a\ud800b", "a\\u{d800}b"]
  ])("escapes %s, so that a key writes no line of a log", (_name, key, shown) => {
    expect([display(key), display(literal(key))]).toEqual([shown, shown])
  })

  it("shows letters of every language and emoji as they are", () => {
    expect(display("größe.名前.😀")).toBe("größe.名前.😀")
  })

  it("does not cut a character in two", () => {
    expect(display("😀".repeat(60))).toBe(`${"😀".repeat(39)}…`)
  })
})

describe("get, set and remove", () => {
  it.each(["toString", "length", "hasOwnProperty", "valueOf"])(
    "see no inherited %s on objects, lists or texts (A36)",
    (name) => {
      const data: JsonObject = { object: {}, list: [1], text: "abc" }

      const found = [[name], ["object", name], ["list", name], ["text", name]]

      expect(found.map((at) => get(data, at))).toEqual([undefined, undefined, undefined, undefined])
    }
  )

  it("store an own toString and find it", () => {
    const result = set({}, ["toString"], 1) as JsonObject // no list on the way, so no fault

    expect(get(result, ["toString"])).toBe(1)
    expect(remove(result, ["toString"])).toStrictEqual({})
  })

  it("append to a list at its length and replace below it", () => {
    const data = deepFreeze<JsonObject>({ list: [1, 2] })

    const results = ["2", "0"].map((index) => set(data, ["list", index], 9))

    expect(results).toStrictEqual([{ list: [1, 2, 9] }, { list: [9, 2] }])
  })

  it("make an object in an item appended to a list", () => {
    expect(set({ list: [] }, ["list", "0", "a"], 1)).toStrictEqual({ list: [{ a: 1 }] })
  })

  it.each(["2", "-1", "01", "1.5", "1e0", " 1", "word", "length", "9999999999"])(
    "refuse to write %j on a list of one and read nothing there",
    (index) => {
      const data = deepFreeze<JsonObject>({ list: [1] })

      expect(kindOf(set(data, ["list", index], 0))).toBe("key")
      expect(get(data, ["list", index])).toBe(undefined)
      expect(remove(data, ["list", index])).toBe(data)
    }
  )

  it("close the gap when an item is removed", () => {
    const data = deepFreeze<JsonObject>({ list: [1, 2, 3] })

    expect(remove(data, ["list", "1"])).toStrictEqual({ list: [1, 3] })
  })

  it("keep an emptied container", () => {
    const data = deepFreeze<JsonObject>({ a: { b: 1 }, list: [1] })

    const result = remove(remove(data, ["a", "b"]), ["list", "0"])

    expect(result).toStrictEqual({ a: {}, list: [] })
  })

  it.each<Json>([null, 1, "text", false])("replace %j in the way by an object", (scalar) => {
    expect(set({ a: scalar }, ["a", "b", "c"], 1)).toStrictEqual({ a: { b: { c: 1 } } })
  })

  it("find a stored null", () => {
    expect(get({ a: { b: null } }, ["a", "b"])).toBe(null)
  })

  it("find what was just set, or refuse, and leave frozen input as it was", () => {
    fc.assert(
      fc.property(root, path, json, (data, at, value) => {
        const before = JSON.stringify(data)

        const result = set(data, at, value)

        expect(JSON.stringify(data)).toBe(before)
        if (isFault(result)) expect(result.kind).toBe("key")
        else expect(equals(get(result, at), value)).toBe(true)
      })
    )
  })

  it("never refuse to set where no list is on the way", () => {
    const listless = fc.dictionary(segment, fc.dictionary(segment, fc.constant<Json>(1)))

    fc.assert(fc.property(listless, path, (data, at) => !isFault(set(data, at, 1))))
  })

  it("change no path but the one that is set and what leads to it or lies under it", () => {
    const startsWith = (whole: ReadonlyArray<string>, start: ReadonlyArray<string>) =>
      start.every((each, index) => whole[index] === each)

    fc.assert(
      fc.property(root, path, path, json, (data, at, other, value) => {
        fc.pre(!startsWith(at, other) && !startsWith(other, at))

        const result = set(data, at, value)

        fc.pre(!isFault(result))
        // A scalar in the way of `at` has nothing under it, so it cannot hide `other`.
        expect(get(result as JsonObject, other)).toBe(get(data, other)) // no fault, see above
      })
    )
  })

  it("make objects of missing containers, under numbers too", () => {
    expect(set({}, ["a", "0", "1"], 1)).toStrictEqual({ a: { 0: { 1: 1 } } })
  })

  it("leave the siblings of what is set the same references", () => {
    const data = deepFreeze<JsonObject>({ a: { b: 1 }, other: { c: [1] } })

    const result = set(data, ["a", "b"], 2)

    expect(result).toStrictEqual({ a: { b: 2 }, other: { c: [1] } })
    expect(get(result as JsonObject, ["other"])).toBe(data.other) // toStrictEqual ruled a fault out
  })

  it("remove exactly one value, or give back the same reference", () => {
    fc.assert(
      fc.property(root, path, (data, at) => {
        const before = JSON.stringify(data)
        const parent = get(data, at.slice(0, -1))

        const result = remove(data, at)

        expect(JSON.stringify(data)).toBe(before)
        if (get(data, at) === undefined) expect(result).toBe(data)
        else if (Array.isArray(parent)) {
          expect(get(result, at.slice(0, -1))).toHaveLength(parent.length - 1)
        } else expect(get(result, at)).toBe(undefined)
      })
    )
  })

  const letters: JsonObject = deepFreeze({ l: ["a", "b", "c", ["d", "e"]], o: { x: 1, y: 2 } })

  it.each<readonly [string, ReadonlyArray<string>, unknown]>([
    ["elements by the indexes they had", ["l.0", "l.1"], ["c", ["d", "e"]]],
    ["elements in whatever order they are named", ["l.1", "l.0"], ["c", ["d", "e"]]],
    ["an element that is named twice once", ["l.0", "l.0"], ["b", "c", ["d", "e"]]],
    ["elements of a list in a list", ["l.3.0", "l.3.1", "l.0"], ["b", "c", []]],
    ["an element and something in it", ["l.3", "l.3.0"], ["a", "b", "c"]],
    ["what is there beside what is not", ["l.9", "l.2", "l.x"], ["a", "b", ["d", "e"]]]
  ])("remove all: %s", (_name, keys, rest) => {
    const result = removeAll(
      letters,
      keys.map((key) => key.split("."))
    )

    expect(result).toStrictEqual({ l: rest, o: { x: 1, y: 2 } })
  })

  it("remove all counts indexes as numbers, so 10 comes after 9", () => {
    const data: JsonObject = { l: Array.from({ length: 12 }, (_, index) => index) }

    const result = removeAll(data, [
      ["l", "9"],
      ["l", "10"],
      ["l", "2"]
    ])

    expect(result).toStrictEqual({ l: [0, 1, 3, 4, 5, 6, 7, 8, 11] })
  })

  it("remove all gives the same whatever the order of the paths", () => {
    const paths = fc.array(path, { maxLength: 5 })
    const both = paths.chain((each) =>
      fc.tuple(
        fc.constant(each),
        fc.shuffledSubarray(each, { minLength: each.length, maxLength: each.length })
      )
    )

    fc.assert(
      fc.property(root, both, (data, [some, shuffled]) => {
        expect(removeAll(data, shuffled)).toStrictEqual(removeAll(data, some))
      })
    )
  })

  it.each<readonly [ReadonlyArray<string>, unknown]>([
    [["l.1"], { l: ["b"] }],
    [["l.2", "l.0"], { l: ["a", "c"] }],
    [["l.3.1"], { l: [["e"]] }],
    [["o.y"], { o: { y: 2 } }],
    [["o", "o.y"], { o: { x: 1, y: 2 } }],
    [["o.y", "l.9", "l.x", "o.z.z", "z"], { o: { y: 2 } }],
    [["l.9"], {}],
    [[], {}]
  ])("pick %j from lists and objects", (keys, result) => {
    const picked = pick(
      letters,
      keys.map((key) => key.split("."))
    )

    expect(picked).toStrictEqual(result)
  })

  it("pick what removing the rest would leave, in lists of lists and objects", () => {
    const leaves = (value: Json, at: ReadonlyArray<string> = []): Array<ReadonlyArray<string>> =>
      typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...at, key]))
        : [at]
    const split = root.chain((data) =>
      fc.tuple(fc.constant(data), fc.subarray(leaves(data).filter((at) => at.length > 0)))
    )
    const withoutEmpty = (value: Json): Json | undefined => {
      if (typeof value !== "object" || value === null) return value
      const left = Object.entries(value).flatMap(([key, inner]) => {
        const part = withoutEmpty(inner)
        return part === undefined ? [] : [[key, part] as const]
      })
      if (left.length === 0) return undefined
      return Array.isArray(value) ? left.map(([, part]) => part) : Object.fromEntries(left)
    }

    fc.assert(
      fc.property(split, ([data, some]) => {
        const chosen = new Set(some.map((at) => JSON.stringify(at)))
        const others = leaves(data).filter((at) => !chosen.has(JSON.stringify(at)))

        const picked = pick(data, some)

        expect(picked).toEqual(withoutEmpty(removeAll(data, others)) ?? {})
      })
    )
  })

  it("never touch Object.prototype, even with segments that parse refuses (A34)", () => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    const hostile = [
      ["__proto__", "polluted"],
      ["constructor", "prototype", "polluted"],
      ["a", "__proto__", "b"]
    ]

    for (const at of hostile) {
      set({ a: {} }, at, 1)
      remove({ a: {} }, at)
    }

    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
    expect(get({}, ["polluted"])).toBe(undefined)
  })
})
