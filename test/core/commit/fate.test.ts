/** What became of a write that missed, or whose reply was lost, told by the row that is there now. */
import { describe, expect, it } from "vitest"
import { fateOf, follow } from "../../../src/core/commit/fate.js"
import type { Fate, Intent, Position, Stored } from "../../../src/core/commit/model.js"
import { makeCommitId } from "../../../src/core/record/token.js"
import {
  aChange,
  anIntent,
  apart,
  aStored,
  at,
  later,
  lock,
  movedFrom,
  now,
  nowhere,
  put,
  start
} from "./support.js"

const fresh = nowhere()
const fate = (found: Stored | null, position: Position, intent: Intent): Fate =>
  fateOf(found, position, intent, fresh)

const done = (where: Position): Fate => ({ _tag: "Done", at: where })
const again = (where: Position, intent: Intent): Fate => ({ _tag: "Again", at: where, intent })
const gone: Fate = { _tag: "Gone" }

const writes = anIntent({ operations: [put("a", 1)] })

/** The commits of a row that holds this one. */
const marked = ({ commitId }: Intent) => ({ commits: commitId ?? "" })

/** Where the intent asked the session to be. */
const moved = (stored: Stored, { change }: Intent): Position => ({
  stored,
  token: change?.token ?? "",
  id: change?.id ?? "",
  tokenFrom: "here"
})

describe("a write to a new session", () => {
  const position = nowhere()
  const begins = anIntent({ operations: [start] })
  const regenerates = anIntent({ operations: [start], change: aChange("quarantine") })

  it("is done where the row has its commit id", () => {
    const row = aStored({ id: position.id, ...marked(begins) })

    expect(fate(row, position, begins)).toEqual(done({ ...position, stored: row }))
  })

  it("is done under the id it has changed to", () => {
    const row = aStored({ id: regenerates.change?.id ?? "", ...marked(regenerates) })

    expect(fate(row, position, regenerates)).toEqual(done(moved(row, regenerates)))
  })

  it("is tried again under a fresh id where there is no row", () => {
    expect(fate(null, position, begins)).toEqual(again(fresh, begins))
  })

  it("is tried again under a fresh one where its id was taken, the changed one too", () => {
    const taken = aStored({ id: regenerates.change?.id ?? "" })

    expect(fate(aStored({ id: position.id }), position, begins)).toEqual(again(fresh, begins))
    expect(fate(taken, position, regenerates)).toEqual(
      again(fresh, { ...regenerates, change: null })
    )
  })

  it("is gone where it was done and a login has moved it since", () => {
    const row = aStored({
      ...movedFrom(position, aChange("quarantine", "login")),
      ...marked(begins)
    })

    expect(fate(row, position, begins)).toEqual(gone)
  })
})

describe("a write to a stored session", () => {
  const session = aStored()
  const position = at(session)

  it("is gone where the row is missing", () => {
    expect(fate(null, position, writes)).toEqual(gone)
  })

  it("is done where the row has its commit id, also behind later ones", () => {
    const commits = marked(writes).commits + makeCommitId(now, "another")
    const row = later(session, { commits })

    expect(fate(row, position, writes)).toEqual(done({ ...position, stored: row }))
  })

  it("is tried again on the newest version where the row lacks it", () => {
    const row = later(session, { commits: makeCommitId(now, "another") })

    expect(fate(row, position, writes)).toEqual(again({ ...position, stored: row }, writes))
  })

  it("keeps saying where the token came from", () => {
    const behind = at(session, { tokenFrom: "alias" })

    expect(fate(later(session, {}), behind, writes)).toMatchObject({ at: { tokenFrom: "alias" } })
  })

  it("is tried again where all it does is to age the flash that the request was shown", () => {
    const ages = { ...anIntent(), operations: () => [{ _tag: "age", seen: ["f1"] } as const] }
    const row = later(session, {})

    expect(fate(row, position, ages)._tag).toBe("Again")
  })

  const nothings = { touch: apart("touch"), "commit of nothing": anIntent() }
  for (const [what, intent] of Object.entries(nothings)) {
    it(`is not tried again where it brings nothing: a ${what}`, () => {
      const row = later(session, {})

      expect(fate(row, position, intent)).toEqual(done({ ...position, stored: row }))
    })
  }

  const somethings = {
    "change of id": anIntent({ change: aChange("alias") }),
    consume: apart("consume", [put("a", 1)]),
    lock: apart("serialize", [lock("me")]),
    login: apart("login", [start])
  }
  for (const [what, intent] of Object.entries(somethings)) {
    it(`is tried again where it brings but this: a ${what}`, () => {
      expect(fate(later(session, {}), position, intent)._tag).toBe("Again")
    })
  }
})

describe("a change of id", () => {
  const session = aStored()
  const position = at(session)
  const moves = anIntent({ operations: [put("a", 1)], change: aChange("quarantine") })

  it("is done where the row has moved with its commit", () => {
    const row = later(session, { id: moves.change?.id ?? "", ...marked(moves) })

    expect(fate(row, position, moves)).toEqual(done(moved(row, moves)))
  })

  it("is tried again, to the same new id, from the newest version", () => {
    const row = later(session, {})

    expect(fate(row, position, moves)).toEqual(again({ ...position, stored: row }, moves))
  })
})

describe("a write to a session that another request has moved", () => {
  const session = aStored()
  const position = at(session)
  const movedBy = (kind: "quarantine" | "alias", changes: object = {}) => {
    const change = aChange(kind)
    return { change, row: later(session, { ...movedFrom(position, change), ...changes }) }
  }

  for (const [when, commits] of [
    ["before it", {}],
    ["after it was done", marked(writes)]
  ] as const) {
    it(`is gone where a login has moved it: ${when}`, () => {
      expect(fate(movedBy("quarantine", commits).row, position, writes)).toEqual(gone)
    })
  }

  it("is gone behind a login also where it is but a touch", () => {
    expect(fate(movedBy("quarantine").row, position, apart("touch"))).toEqual(gone)
  })

  it("follows a migration by the alias, and is tried again there", () => {
    const { change, row } = movedBy("alias")
    const { id, token } = change

    expect(fate(row, position, writes)).toEqual(
      again({ stored: row, token, id, tokenFrom: "alias" }, writes)
    )
  })

  it("follows a migration where it is but a touch, and has nothing more to do", () => {
    const { change, row } = movedBy("alias")

    expect(fate(row, position, apart("touch"))).toMatchObject({
      _tag: "Done",
      at: { id: change.id }
    })
  })

  it("follows a migration also where it was done before", () => {
    const { change, row } = movedBy("alias", marked(writes))
    const { id, token } = change

    expect(fate(row, position, writes)).toEqual(
      done({ stored: row, token, id, tokenFrom: "alias" })
    )
  })

  it("is gone behind a quarantine, whatever token lies beside it", () => {
    const { row } = movedBy("alias")
    const { previous } = row.record
    const quarantined = later(row, { previous: previous && { ...previous, kind: "quarantine" } })

    expect(fate(quarantined, position, writes)).toEqual(gone)
  })

  it("is gone where another token opens the alias, or none any more", () => {
    const { row } = movedBy("alias")
    const { previous } = row.record
    const erased = later(row, { previous: previous && { ...previous, sealedToken: null } })

    expect(fate(row, { ...position, token: nowhere().token }, writes)).toEqual(gone)
    expect(fate(erased, position, writes)).toEqual(gone)
  })
})

describe("follow", () => {
  it("finds the id that was asked for before the one that the request had", () => {
    const session = aStored()
    const change = { ...aChange("alias"), id: session.record.id }

    expect(follow(session, at(session), { change })).toMatchObject({
      token: change.token,
      tokenFrom: "here"
    })
  })

  it("finds nothing on the row of somebody else", () => {
    expect(follow(aStored(), at(aStored()), { change: aChange("alias") })).toBeUndefined()
  })
})
