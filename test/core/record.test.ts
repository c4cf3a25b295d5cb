import { describe, expect, it } from "vitest"
import type { SessionRecord } from "../../src/core/record/record.js"
import {
  ended,
  isCollectable,
  isDueForDeletion,
  isFoundBy,
  isOver,
  isSpared,
  isUserId,
  touched,
  withoutStaleToken
} from "../../src/core/record/record.js"
import { aRecord } from "../support/record.js"

const [id, previousId, otherId] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string
] // three in, three out
const previous = { id: previousId, kind: "alias", untilMillis: 50, sealedToken: "sealed" } as const

/** A session that began at 0 and expires at 100. */
const record = (given?: Partial<SessionRecord>): SessionRecord =>
  aRecord({ id, nowMillis: 0, expiresAtMillis: 100, ...given })

describe("isOver", () => {
  it("is true from the instant of the expiry on, and once the session ended", () => {
    expect([99, 100].map((now) => isOver(record(), now))).toEqual([false, true])
    expect(isOver(record({ endedAtMillis: 10 }), 10)).toBe(true)
  })
})

describe("isFoundBy", () => {
  it("is true for the id of a live record, and for its previous id until its time is over", () => {
    const moved = record({ previous })

    expect([99, 100].map((now) => isFoundBy(id, moved, now))).toEqual([true, false])
    expect([49, 50].map((now) => isFoundBy(previousId, moved, now))).toEqual([true, false])
    expect(isFoundBy(otherId, moved, 0)).toBe(false)
  })
})

describe("touched", () => {
  it("moves both instants forward, each by itself, and never back", () => {
    const instants = (later: SessionRecord) => [later.lastActivityMillis, later.expiresAtMillis]

    expect(instants(touched(record(), 10, 110))).toEqual([10, 110])
    expect(instants(touched(record(), 10, 90))).toEqual([10, 100])
    expect(instants(touched(record(), -10, 110))).toEqual([0, 110])
  })
})

describe("ended", () => {
  it("keeps no payload and no previous id, and dates the end now or at the expiry if that was earlier", () => {
    const kept = { ...record(), payload: "", previous: null }

    expect(ended(record({ previous }), 70)).toEqual({ ...kept, endedAtMillis: 70 })
    expect(ended(record({ previous }), 170)).toEqual({ ...kept, endedAtMillis: 100 })
    expect(ended(record({ endedAtMillis: 10 }), 70)).toEqual({ ...kept, endedAtMillis: 10 })
  })
})

describe("isDueForDeletion", () => {
  it("is true when the session ended as long ago as ended sessions are kept", () => {
    const at = (given: Partial<SessionRecord>, keepEnded: number, now: number) =>
      isDueForDeletion(record(given), keepEnded, now)

    expect(at({}, 0, 70)).toBe(true)
    expect(at({}, 1, 70)).toBe(false)
    expect([104, 105].map((now) => at({}, 5, now))).toEqual([false, true])
    expect([14, 15].map((now) => at({ endedAtMillis: 10 }, 5, now))).toEqual([false, true])
  })
})

describe("isCollectable", () => {
  it("is true for what expired at once, for what ended when it was kept long enough, never for what lives", () => {
    expect([99, 100].map((now) => isCollectable(record(), 5, now))).toEqual([false, true])
    const over = record({ endedAtMillis: 10 })
    expect([14, 15].map((now) => isCollectable(over, 5, now))).toEqual([false, true])
  })
})

describe("withoutStaleToken", () => {
  it("erases the sealed token when the grace is over, and gives the record itself when there is none to erase", () => {
    const moved = record({ previous })
    const never = record()
    const erased = record({ previous: { ...previous, sealedToken: null } })

    expect(withoutStaleToken(moved, 49)).toBe(moved)
    expect(withoutStaleToken(moved, 50)).toEqual({
      ...moved,
      previous: { ...previous, sealedToken: null }
    })
    expect(withoutStaleToken(never, 50)).toBe(never)
    expect(withoutStaleToken(erased, 50)).toBe(erased)
  })
})

describe("isSpared", () => {
  it("is true where `except` is the id or the previous id, and without one spares nobody", () => {
    const entry = { id, previousId }

    expect([id, previousId, otherId].map((except) => isSpared(entry, except))).toEqual([
      true,
      true,
      false
    ])
    expect(isSpared({ id, previousId: null }, undefined)).toBe(false)
  })
})

describe("isUserId", () => {
  const users = ["1", "0", "ada", " ", "ünï", "👍", "a".repeat(255), "é".repeat(127), "\u0001"]

  for (const text of users) {
    it(`takes ${JSON.stringify(text).slice(0, 20)}`, () => {
      expect(isUserId(text)).toBe(true)
    })
  }

  const nobody = [
    "",
    "a".repeat(256),
    "é".repeat(128),
    "a\0b",
    "\0",
    "\ud83d",
    "a\udc4d",
    "\udc4d\ud83d"
  ]

  for (const text of nobody) {
    it(`refuses ${JSON.stringify(text).slice(0, 20)}`, () => {
      expect(isUserId(text)).toBe(false)
    })
  }

  it("refuses what is no text", () => {
    // A caller without types.
    expect(isUserId(7 as unknown as string)).toBe(false)
  })
})
