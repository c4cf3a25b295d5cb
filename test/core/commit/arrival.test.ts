/** What a request finds under the id of its cookie. */
import { describe, expect, it } from "vitest"
import { type Arrival, arrivalAt, type Reading } from "../../../src/core/commit/arrival.js"
import type { Position, Stored } from "../../../src/core/commit/model.js"
import { aChange, aStored, at, later, movedFrom, nowhere } from "./support.js"

const corrupt: Reading = { _tag: "corrupt" }
const unknownKey: Reading = { _tag: "unknownKey" }
const retired = (isUnknownKey: boolean): Arrival => ({
  _tag: "Retired",
  unknownKey: isUnknownKey
})

/** Arrives with the cookie of a position at what the store finds by it. */
const arrival = (
  { token, id }: Position,
  stored: Stored,
  reading: Reading = { _tag: "stored", stored }
): Arrival => arrivalAt(stored.record, () => reading, token, id)

const session = aStored()
const position = at(session)
const migration = aChange("alias")
const migrated = later(session, movedFrom(position, migration))
const regenerated = later(session, movedFrom(position, aChange("quarantine")))

describe("a request whose cookie names a session", () => {
  it("finds it", () => {
    expect(arrival(position, session)).toEqual({ _tag: "Found", at: position })
  })

  it("finds it under its current id, whatever id it had before", () => {
    const current = at(regenerated)

    expect(arrival(current, regenerated)).toEqual({ _tag: "Found", at: current })
  })

  it("finds that it is corrupt", () => {
    expect(arrival(position, session, corrupt)).toEqual({ _tag: "Corrupt" })
  })

  it("sees nothing of one that is sealed with the key of another server", () => {
    expect(arrival(position, session, unknownKey)).toEqual(retired(true))
  })
})

describe("a request whose session was moved", () => {
  it("sees nothing while its id is in quarantine", () => {
    expect(arrival(position, regenerated)).toEqual(retired(false))
  })

  it("does not read the payload from the quarantine", () => {
    expect(arrival(position, regenerated, corrupt)).toEqual(retired(false))
    expect(arrival(position, regenerated, unknownKey)).toEqual(retired(false))
  })

  it("finds it behind an alias, with its current token", () => {
    const { id, token } = migration

    expect(arrival(position, migrated)).toEqual({
      _tag: "Found",
      at: { stored: migrated, token, id, tokenFrom: "alias" }
    })
  })

  it("sees nothing behind an alias that its token does not open", () => {
    expect(arrival({ ...position, token: nowhere().token }, migrated)).toEqual(retired(false))
  })

  it("sees nothing behind an alias whose token was erased", () => {
    const { previous } = migrated.record
    const erased = later(migrated, { previous: previous && { ...previous, sealedToken: null } })

    expect(arrival(position, erased)).toEqual(retired(false))
  })

  it("finds behind an alias that it is corrupt, or sealed with the key of another server", () => {
    expect(arrival(position, migrated, corrupt)).toEqual({ _tag: "Corrupt" })
    expect(arrival(position, migrated, unknownKey)).toEqual(retired(true))
  })
})
