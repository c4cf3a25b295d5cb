/** What the response owes the client of its cookie. */
import { describe, expect, it } from "vitest"
import { cookieAfter, cookieAtTheEnd } from "../../../src/core/commit/cookieDuty.js"
import { type CookieDuty, keepCookie, type Position } from "../../../src/core/commit/model.js"
import { aChange, aStored, at, hour, later, minute, movedFrom, now, nowhere } from "./support.js"

const set = (where: Position): CookieDuty => ({ _tag: "Set", at: where })
const deleted: CookieDuty = { _tag: "Delete" }

describe("the cookie after a commit", () => {
  const session = aStored()
  const before = at(session)
  const unmoved = at(later(session, { lastActivityMillis: now + minute }))

  it("is set by an insert", () => {
    expect(cookieAfter(nowhere(), before, keepCookie)).toEqual(set(before))
  })

  it("is set by a new id", () => {
    const position = at(later(session, { id: "another" }))

    expect(cookieAfter(before, position, keepCookie)).toEqual(set(position))
  })

  it("is set by a sliding expiry", () => {
    const position = at(later(session, { expiresAtMillis: session.record.expiresAtMillis + 1 }))

    expect(cookieAfter(before, position, keepCookie)).toEqual(set(position))
  })

  for (const lifetime of [hour, "browser"] as const) {
    it(`is set by another lifetime, also where the expiry is the same: ${lifetime}`, () => {
      const position = at(later(session, { state: { lifetime } }))

      expect(cookieAfter(before, position, keepCookie)).toEqual(set(position))
    })
  }

  it("is kept by a write that moves none of them", () => {
    expect(cookieAfter(before, unmoved, keepCookie)).toEqual(keepCookie)
  })

  it("is kept by a touch that moved nothing", () => {
    expect(cookieAfter(before, before, keepCookie)).toEqual(keepCookie)
  })

  it("is set where it was to be set, as it is now", () => {
    expect(cookieAfter(before, unmoved, set(before))).toEqual(set(unmoved))
  })

  it("is what it was where nothing is stored", () => {
    for (const duty of [keepCookie, deleted, set(before)]) {
      expect(cookieAfter(nowhere(), nowhere(), duty)).toEqual(duty)
    }
  })

  it("is deleted after a logout, unless a session has begun since", () => {
    expect(cookieAfter(nowhere(), nowhere(), deleted)).toEqual(deleted)
    expect(cookieAfter(nowhere(), before, deleted)).toEqual(set(before))
  })
})

describe("a cookie that was decided earlier in the request", () => {
  const session = aStored()
  const position = at(session)

  it("is set at the end for the row that is there now", () => {
    const row = later(session, { state: { lifetime: "browser" } })

    expect(cookieAtTheEnd(row, position)).toEqual(set({ ...position, stored: row }))
  })

  it("is kept back where the session has ended", () => {
    expect(cookieAtTheEnd(null, position)).toEqual(keepCookie)
  })

  it("is kept back where a login has moved the session, which has sent another one", () => {
    const row = later(session, movedFrom(position, aChange("quarantine", "login")))

    expect(cookieAtTheEnd(row, position)).toEqual(keepCookie)
  })

  it("gives way to the one behind an alias", () => {
    const change = aChange("alias")
    const row = later(session, movedFrom(position, change))
    const { id, token } = change

    expect(cookieAtTheEnd(row, position)).toEqual(
      set({ stored: row, token, id, tokenFrom: "alias" })
    )
  })
})
