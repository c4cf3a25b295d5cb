import { describe, expect, it } from "@effect/vitest"
import { carryOn, flashIds, flashOf, oldInput } from "../../src/core/session/flash.js"
import { omit } from "../../src/core/session/objects.js"
import { all, isExpiredKey, read, withoutExpired } from "../../src/core/session/read.js"
import { initial, type State } from "../../src/core/session/state.js"

const now = 1_000_000
const blank = initial("secret", now)

const entry = (id: string, value: number) => ({ id, value: { x: value } })

/** A key in every place; the number tells the place a value was read from. */
const layered: State = {
  ...blank,
  data: { a: { x: 1 }, b: { x: 1 }, c: { x: 1 }, over: { x: 1 } },
  ttl: { a: now + 1, over: now },
  flash: { b: entry("b2", 2), c: entry("c2", 2), [oldInput]: entry("o2", 2) },
  now: { c: entry("c3", 3), d: entry("d3", 3) }
}

describe("reading a state", () => {
  it("sees this request's flash before a stored one, and any flash before data", () => {
    expect(["a", "b", "c", "d"].map((name) => read(layered, [name, "x"], now))).toEqual([
      1, 2, 3, 3
    ])
  })

  it("finds nothing in data that a flash of its name shadows", () => {
    const state: State = { ...blank, data: { a: { y: 1 } }, flash: { a: entry("1", 2) } }

    expect(read(state, ["a", "y"], now)).toBe(undefined)
  })

  it("misses a key from the very instant of its expiry", () => {
    expect([now - 1, now].map((at) => read(layered, ["over", "x"], at))).toEqual([1, undefined])
    expect([now - 1, now].map((at) => isExpiredKey(layered, "over", at))).toEqual([false, true])
  })

  it("takes no inherited name for a key, a TTL or a flash", () => {
    expect(read(blank, ["toString"], now)).toBe(undefined)
    expect(flashOf(blank, "toString")).toBe(undefined)
    expect(isExpiredKey(blank, "toString", now)).toBe(false)
  })

  it("gives all of it, without what has expired and without form input", () => {
    expect(all(layered, now)).toEqual({ a: { x: 1 }, b: { x: 2 }, c: { x: 3 }, d: { x: 3 } })
  })

  it("gives the ids of stored flash alone", () => {
    expect(flashIds(layered)).toEqual(["b2", "c2", "o2"])
  })
})

describe("withoutExpired", () => {
  it("takes the key and its TTL", () => {
    const { over: _, ...data } = layered.data

    expect(withoutExpired(layered, now)).toEqual({ ...layered, data, ttl: { a: now + 1 } })
  })

  it("gives the same state when nothing has expired", () => {
    expect(withoutExpired(layered, now - 1)).toBe(layered)
  })
})

describe("carryOn", () => {
  const stored: State = { ...blank, data: { a: 9 }, flash: { c: entry("c2", 2) } }

  it("goes on with what is stored", () => {
    expect(carryOn(layered, stored)).toMatchObject({ data: { a: 9 }, flash: stored.flash })
  })

  it("keeps flash readable that is stored no more, form input too, and what is of this request", () => {
    expect(carryOn(layered, stored).now).toEqual({
      b: entry("b2", 2),
      [oldInput]: entry("o2", 2),
      c: entry("c3", 3),
      d: entry("d3", 3)
    })
  })

  it("carries no flash that is stored still", () => {
    expect(Object.keys(carryOn({ ...layered, now: {} }, stored).now)).toEqual(["b", oldInput])
  })

  it("lets this request's own flash shadow what has been aged, as before", () => {
    expect(carryOn(layered, blank).now.c).toEqual(entry("c3", 3))
  })

  it("shows this request what it saw rather than what another has flashed anew", () => {
    const newer: State = { ...blank, flash: { b: entry("new", 7) } }

    expect(read(carryOn(layered, newer), ["b", "x"], now)).toBe(2)
  })
})

describe("omit", () => {
  it("leaves out own keys, and gives the same record when it has none of them", () => {
    const record = { a: 1, b: 2 }

    expect(omit(record, ["a", "c"])).toEqual({ b: 2 })
    expect(omit(record, ["c", "toString"])).toBe(record)
  })
})
