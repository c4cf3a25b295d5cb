/** What a request would do to the store: one call, or none. */
import { describe, expect, it } from "vitest"
import { expiryOf } from "../../../src/core/commit/draft.js"
import type { CommitPlan, Intent, Position } from "../../../src/core/commit/model.js"
import { isTouchDue, planCommit, positionAfter } from "../../../src/core/commit/plan.js"
import {
  isSealed,
  makeKeyring,
  openPayload,
  openToken
} from "../../../src/core/record/encryption.js"
import { decode, maxKeys } from "../../../src/core/record/payload.js"
import { makeCommitId } from "../../../src/core/record/token.js"
import type { Operation } from "../../../src/core/session/operation.js"
import {
  aChange,
  aContext,
  anIntent,
  apart,
  aState,
  aStored,
  at,
  browser,
  type ContextOptions,
  forget,
  hour,
  type IntentOptions,
  increment,
  lock,
  login,
  minute,
  now,
  nowhere,
  policy,
  push,
  put,
  start
} from "./support.js"

const plan = (position: Position, intent: Intent, context?: ContextOptions): CommitPlan =>
  planCommit(position, intent, aContext(context))

/** The plan of such a kind; fails where another one is made. */
const planned = <Tag extends CommitPlan["_tag"]>(
  tag: Tag,
  position: Position,
  intent: IntentOptions,
  context?: ContextOptions
): Extract<CommitPlan, { _tag: Tag }> => {
  const made = plan(position, anIntent(intent), context)
  expect(made._tag).toBe(tag)
  // The tag was compared just above.
  return made as Extract<CommitPlan, { _tag: Tag }>
}

const entry = { id: "flash", value: "saved" }

describe("a request without a stored session", () => {
  const nothings: Readonly<Record<string, ReadonlyArray<Operation>>> = {
    "that wrote nothing": [],
    "that has a new CSRF secret": [{ _tag: "csrf", secret: "another" }],
    "that flashed for itself alone": [{ _tag: "now", name: "notice", entry }],
    "that put a value and forgot it": [put("a", 1), forget("a")],
    "that put a value which expires at once": [put("a", 1, now)],
    "that gives back a lock": [{ _tag: "unlock", owner: "me" }],
    "that ages the flash": [{ _tag: "age", seen: [] }]
  }
  for (const [who, operations] of Object.entries(nothings)) {
    it(`${who} plans nothing`, () => {
      expect(plan(nowhere(), anIntent({ operations }))).toEqual({ _tag: "Skip" })
    })
  }

  it("plans nothing for a change of id alone", () => {
    planned("Skip", nowhere(), { change: aChange("quarantine") })
  })

  const somethings: Readonly<Record<string, ReadonlyArray<Operation>>> = {
    "asks for a session": [start],
    "puts a value": [put("a", 1)],
    "puts a null": [put("a", null)],
    flashes: [{ _tag: "flash", name: "notice", entry }],
    "sets a lifetime": [{ _tag: "lifetime", lifetime: hour }],
    "logs in": [login("ann")]
  }
  for (const [what, operations] of Object.entries(somethings)) {
    it(`gets an insert when it ${what}`, () => {
      planned("Insert", nowhere(), { operations })
    })
  }

  it("gets an insert of version 1 under the id of its token", () => {
    const position = nowhere()

    const { next, token } = planned("Insert", position, { operations: [put("a", 1)] })

    expect(token).toBe(position.token)
    expect(next.record).toMatchObject({ id: position.id, version: 1, previous: null })
    expect(next.state.data).toEqual({ a: 1 })
  })

  it("gets an insert under the id that it has changed to", () => {
    const change = aChange("quarantine")

    const { next, token } = planned("Insert", nowhere(), { operations: [start], change })

    expect(token).toBe(change.token)
    expect(next.record).toMatchObject({ id: change.id, previous: null })
  })

  it("gets an insert that was created when the request began, and is active now", () => {
    const { next } = planned(
      "Insert",
      nowhere(),
      { operations: [start] },
      { nowMillis: now + minute }
    )

    expect(next.record).toMatchObject({ createdAtMillis: now, lastActivityMillis: now + minute })
  })

  it("gets an insert that remembers the client and the commit", () => {
    const commitId = makeCommitId(now, "0writer")
    const { next } = planned("Insert", nowhere(), { operations: [start], commitId })

    expect(next.origin).toEqual(browser)
    expect(next.record).toMatchObject(browser)
    expect(next.commits).toBe(commitId)
  })
})

describe("a request that changes nothing of its session", () => {
  const session = aStored({ state: { data: { a: 1 } } })
  const later = { nowMillis: now + policy.touchMillis }

  const unchanged: Readonly<Record<string, ReadonlyArray<Operation>>> = {
    "wrote nothing": [],
    "put the same value again": [put("a", 1)],
    "put another value and then the same": [put("a", 2), put("a", 1)],
    "asked for a session": [start],
    "flashed for itself alone": [{ _tag: "now", name: "notice", entry }],
    "forgot what is not there": [forget("b")],
    "gave back a lock of another": [{ _tag: "unlock", owner: "me" }]
  }
  for (const [what, operations] of Object.entries(unchanged)) {
    it(`plans no write within the touch interval: it ${what}`, () => {
      planned("Skip", at(session), { operations })
      planned("Skip", at(session), { operations }, { nowMillis: later.nowMillis - 1 })
    })

    it(`touches once the interval has passed: it ${what}`, () => {
      planned("Touch", at(session), { operations }, later)
    })
  }

  it("plans no write for a key that has expired", () => {
    const stored = aStored({ state: { data: { code: 1 }, ttl: { code: now - 1 } } })

    planned("Skip", at(stored), {})
  })

  it("plans no write for the same value where another key has expired since it was written", () => {
    const stored = {
      ...aStored({ state: { data: { a: 1, code: 1 }, ttl: { code: now + 1 } } }),
      text: "the text with both keys"
    }

    planned("Skip", at(stored), { operations: [put("a", 1)] }, { nowMillis: now + 2 })
  })

  it("touches at once where it is asked to", () => {
    expect(plan(at(session), apart("touch"))._tag).toBe("Touch")
  })

  it("moves activity and expiry with a touch, and nothing else", () => {
    const { next } = planned("Touch", at(session), {}, later)

    const { lastActivityMillis, expiresAtMillis, ...others } = next.record
    expect(lastActivityMillis).toBe(later.nowMillis)
    expect(expiresAtMillis).toBe(later.nowMillis + policy.idleMillis)
    expect(session.record).toMatchObject(others)
    expect(next.state).toBe(session.state)
    expect(next.commits).toBe(session.commits)
  })

  it("never moves the absolute timeout with a touch", () => {
    const endMillis = now + policy.absoluteMillis
    const stored = aStored({ lastActivityMillis: endMillis - hour, expiresAtMillis: endMillis })

    const { next } = planned("Touch", at(stored), {}, { nowMillis: endMillis - 1 })

    expect(next.record).toMatchObject({
      lastActivityMillis: endMillis - 1,
      expiresAtMillis: endMillis
    })
  })

  it("moves no instant back with a touch when the clock has gone back", () => {
    const { next } = planned("Touch", at(session), apart("touch"), { nowMillis: now - hour })

    expect(next.record).toEqual(session.record)
  })
})

describe("isTouchDue", () => {
  for (const [millis, isDue] of [
    [-hour, false],
    [policy.touchMillis - 1, false],
    [policy.touchMillis, true]
  ] as const) {
    it(`is ${isDue} ${millis} ms after the last activity`, () => {
      expect(isTouchDue(aStored(), policy, now + millis)).toBe(isDue)
    })
  }
})

describe("a request that changes its session", () => {
  const session = aStored({ version: 7, state: { data: { a: 1 } } })
  const putB = { operations: [put("b", 2)] }

  it("is an update at the version it read", () => {
    const { next, version } = planned("Update", at(session), putB)

    expect(version).toBe(7)
    expect(next.record).toMatchObject({ id: session.record.id, version: 8 })
    expect(next.state.data).toEqual({ a: 1, b: 2 })
    expect(decode(next.record.payload)?.state).toEqual(next.state)
  })

  const changes: Readonly<Record<string, ReadonlyArray<Operation>>> = {
    "forgets a key": [forget("a")],
    flashes: [{ _tag: "flash", name: "notice", entry }],
    "puts the same value with an expiry": [put("a", 1, now + minute)],
    "sets a lifetime": [{ _tag: "lifetime", lifetime: "browser" }],
    "gets a new CSRF secret": [{ _tag: "csrf", secret: "another" }],
    "takes the lock": [lock("me")],
    flushes: [{ _tag: "flush", csrfSecret: "secret" }]
  }
  for (const [what, operations] of Object.entries(changes)) {
    it(`is an update when it ${what}`, () => {
      planned("Update", at(session), { operations })
    })
  }

  it("is an update when it ages the flash it was shown, and leaves a newer one", () => {
    const shown = aStored({
      state: { flash: { old: entry, newer: { id: "newer", value: 1 } } }
    })

    const { next } = planned("Update", at(shown), {
      operations: [{ _tag: "age", seen: ["flash"] }]
    })

    expect(Object.keys(next.state.flash)).toEqual(["newer"])
  })

  it("stores no key that has expired", () => {
    const stored = aStored({ state: { data: { a: 1, code: 1 }, ttl: { code: now } } })

    const { next } = planned("Update", at(stored), putB)

    expect(next.state).toMatchObject({ data: { a: 1, b: 2 }, ttl: {} })
    expect(decode(next.record.payload)?.state).toEqual(next.state)
  })

  it("stores nothing that was flashed for the request alone", () => {
    const operations: ReadonlyArray<Operation> = [
      put("b", 2),
      { _tag: "now", name: "notice", entry }
    ]

    const { next } = planned("Update", at(session), { operations })

    expect(next.state.now).toEqual({})
    expect(next.record.payload).not.toContain("saved")
  })

  it("runs its operations on what is stored, in their order", () => {
    const { next } = planned("Update", at(aStored({ state: { data: { n: 5 } } })), {
      operations: [increment("n"), increment("n"), push("list", 1), push("list", 2)]
    })

    expect(next.state.data).toEqual({ n: 7, list: [1, 2] })
  })

  it("takes what the handler was shown where that is what is stored", () => {
    const predicted = { from: session.state, state: aState({ data: { predicted: true } }) }

    const { next } = planned("Update", at(session), { operations: [increment("a")], predicted })

    expect(next.state).toBe(predicted.state)
  })

  it("runs its operations again where something else is stored by now", () => {
    const predicted = { from: aState(), state: aState({ data: { predicted: true } }) }

    const { next } = planned("Update", at(session), { operations: [increment("a")], predicted })

    expect(next.state.data).toEqual({ a: 2 })
  })

  it("chooses its operations by what is stored: nothing to take is no write", () => {
    const taking = apart("consume", ({ data }) => (data.a === undefined ? [] : [forget("a")]))

    expect(plan(at(session), taking)._tag).toBe("Update")
    expect(plan(at(aStored()), taking)._tag).toBe("Skip")
  })

  it("moves activity and expiry, and keeps the creation", () => {
    const { next } = planned("Update", at(session), putB, { nowMillis: now + minute })

    expect(next.record).toMatchObject({
      createdAtMillis: now,
      lastActivityMillis: now + minute,
      expiresAtMillis: now + minute + policy.idleMillis
    })
  })

  it("moves no activity back when the clock has gone back", () => {
    const { next } = planned("Update", at(session), putB, { nowMillis: now - hour })

    expect(next.record.lastActivityMillis).toBe(now)
    expect(next.record.expiresAtMillis).toBe(now + policy.idleMillis)
  })

  it("remembers the commits of others in the last ten seconds, and its own", () => {
    const recent = makeCommitId(now - 9999, "another")
    const commits = makeCommitId(now - 10_000, "a-third") + recent
    const commitId = makeCommitId(now, "0writer")

    const { next } = planned("Update", at(aStored({ commits })), { ...putB, commitId })

    expect(next.commits).toBe(`${recent}${commitId}`)
    expect(decode(next.record.payload)?.commits).toEqual(next.commits)
  })

  it("keeps the user, and the client that the session began with", () => {
    const origin = { ipAddress: "198.51.100.7", userAgent: "first" }
    const stored = aStored({ origin, userId: "ann", state: { userId: "ann" } })

    const { next } = planned("Update", at(stored), putB)

    expect(next.record).toMatchObject({ userId: "ann", ...browser })
    expect(next.origin).toEqual(origin)
  })

  it("keeps the client it knew where this request tells nothing of its own", () => {
    const client = { ipAddress: null, userAgent: null }

    const { next } = planned("Update", at(aStored(browser)), putB, { client })

    expect(next.record).toMatchObject(browser)
  })

  it("keeps the id that the session was moved from", () => {
    const previous = {
      id: "old",
      kind: "alias",
      untilMillis: now + 1,
      sealedToken: "sealed"
    } as const

    const { next } = planned("Update", at(aStored({ previous })), putB)

    expect(next.record.previous).toEqual(previous)
  })

  it("erases the sealed token of an alias once its grace is over", () => {
    const previous = { id: "old", kind: "alias", untilMillis: now, sealedToken: "sealed" } as const

    const { next } = planned("Update", at(aStored({ previous })), putB)

    expect(next.record.previous).toEqual({ ...previous, sealedToken: null })
  })
})

describe("a commit that is refused", () => {
  const session = aStored({ state: { data: { word: "text" } } })
  const refused = (intent: IntentOptions, position: Position = at(session), context = {}) =>
    planned("Refuse", position, intent, context)

  it("is a conflict where an operation does not fit any more, named by the operation", () => {
    expect(refused({ operations: [push("word", 1)] })).toEqual({
      _tag: "Refuse",
      kind: "conflict",
      operation: "modify",
      reason: "it holds something that is not a list"
    })
  })

  it("is a conflict as a whole, whatever else it brings", () => {
    const operations = [put("a", 1), increment("word"), start]

    expect(refused({ operations, change: aChange("quarantine") }).kind).toBe("conflict")
  })

  it("is a conflict where a change throws on what is stored now", () => {
    const throws = () => {
      throw new Error("broken")
    }
    const change: Operation = {
      _tag: "modify",
      path: ["word"],
      change: throws,
      seen: [],
      atMillis: now
    }

    expect(refused({ operations: [change] }).kind).toBe("conflict")
  })

  it("is busy where another request holds the lock", () => {
    const stored = aStored({ state: { lock: { owner: "another", untilMillis: now + 1 } } })

    expect(refused({ operations: [lock("me")] }, at(stored)).kind).toBe("busy")
  })

  const locks = {
    "has lapsed": { owner: "another", untilMillis: now },
    "is its own": { owner: "me", untilMillis: now + minute }
  }
  for (const [what, held] of Object.entries(locks)) {
    it(`is not where the lock ${what}: it is taken`, () => {
      const stored = aStored({ state: { lock: held } })

      const { next } = planned(
        "Update",
        at(stored),
        { operations: [lock("me", now + 1)] },
        { nowMillis: now + 1 }
      )

      expect(next.state.lock?.owner).toBe("me")
    })
  }

  const large = { operations: [put("a", "x".repeat(1000))] }
  for (const [where, position] of [
    ["a new session", nowhere()],
    ["a stored one", at(session)]
  ] as const) {
    it(`breaks the limit with a payload that is too large: ${where}`, () => {
      expect(refused(large, position, { maxPayloadBytes: 1000 })).toMatchObject({
        kind: "limit",
        operation: "commit",
        reason: "the payload is larger than 1000 bytes"
      })
    })
  }

  it("breaks the limit with a payload that its session brings", () => {
    const stored = aStored({ state: { data: { a: "x".repeat(1000) } } })

    expect(refused({ operations: [put("b", 1)] }, at(stored), { maxPayloadBytes: 1000 }).kind).toBe(
      "limit"
    )
  })

  it("counts bytes, not characters, and lets exactly as many pass", () => {
    const state = aState({ data: { a: "ü" } })
    const bytes = Buffer.byteLength(JSON.stringify({ v: 1, d: state.data, c: "secret", s: now }))
    const stored = at(aStored())

    planned("Update", stored, { operations: [put("a", "ü")] }, { maxPayloadBytes: bytes })
    refused({ operations: [put("a", "ü")] }, stored, { maxPayloadBytes: bytes - 1 })
  })

  it("breaks the limit with one key too many, of which expired ones are none", () => {
    const data = Object.fromEntries(Array.from({ length: maxKeys }, (_, nth) => [`k${nth}`, 1]))
    const one = { operations: [put("one", 1)] }

    expect(refused(one, at(aStored({ state: { data } }))).reason).toContain("256")
    planned("Update", at(aStored({ state: { data, ttl: { k0: now } } })), one)
  })
})

describe("a change of id", () => {
  const session = aStored({ version: 3, state: { data: { a: 1 } } })

  it("is a move from the old id, at the version it read", () => {
    const change = aChange("quarantine")

    const move = planned("Move", at(session), { change })

    expect(move).toMatchObject({ fromId: session.record.id, version: 3, token: change.token })
    expect(move.next.record).toMatchObject({ id: change.id, version: 4, createdAtMillis: now })
    expect(move.next.state).toEqual(session.state)
  })

  it("takes the changes of its request along", () => {
    const { next } = planned("Move", at(session), {
      change: aChange("alias"),
      operations: [put("b", 2)]
    })

    expect(next.state.data).toEqual({ a: 1, b: 2 })
  })

  it("puts the old id into quarantine", () => {
    const { next } = planned("Move", at(session), { change: aChange("quarantine") })

    expect(next.record.previous).toEqual({
      id: session.record.id,
      kind: "quarantine",
      untilMillis: now + policy.quarantineMillis,
      sealedToken: null
    })
  })

  it("makes the old id an alias that only the bearer of the old token can follow", () => {
    const position = at(session)
    const change = aChange("alias")

    const { next } = planned("Move", position, { change })

    const { sealedToken, ...previous } = next.record.previous ?? {}
    expect(previous).toEqual({
      id: session.record.id,
      kind: "alias",
      untilMillis: now + policy.graceMillis
    })
    expect(openToken(position.token, sealedToken ?? "", change.id)).toBe(change.token)
    expect(openToken(nowhere().token, sealedToken ?? "", change.id)).toBeUndefined()
  })

  it("forgets the id before the last one", () => {
    const previous = {
      id: "older",
      kind: "quarantine",
      untilMillis: now,
      sealedToken: null
    } as const
    const stored = aStored({ previous })

    const { next } = planned("Move", at(stored), { change: aChange("quarantine") })

    expect(next.record.previous?.id).toBe(stored.record.id)
  })

  for (const kind of ["quarantine", "alias"] as const) {
    it(`leaves the id in quarantine that the browser has when it is the second one: ${kind}`, () => {
      const first = at(session)
      const between = positionAfter(planned("Move", first, { change: aChange("alias") }), first)

      const { next } = planned("Move", between, { change: aChange(kind) })

      expect(next.record.previous).toMatchObject({ id: first.id, kind: "quarantine" })
    })
  }

  it("through an alias that only renews keeps the id", () => {
    const behind = at(session, { tokenFrom: "alias" })
    const change = aChange("alias")

    planned("Skip", behind, { change })
    planned("Touch", behind, { change }, { nowMillis: now + policy.touchMillis })
    const { next } = planned("Update", behind, { change, operations: [put("b", 2)] })
    expect(next.record.id).toBe(session.record.id)
  })

  it("through an alias that regenerates is a move", () => {
    planned("Move", at(session, { tokenFrom: "alias" }), { change: aChange("quarantine") })
  })

  it("binds a sealed payload to the new id", () => {
    const keyring = makeKeyring([{ id: "k", key: new Uint8Array(32) }], policy.namespace)
    const change = aChange("quarantine")

    const { next } = planned("Move", at(session), { change }, { keyring })

    const { payload } = next.record
    const opening = (id: string) => openPayload(keyring, payload, id, policy.namespace)._tag
    expect(isSealed(payload)).toBe(true)
    expect(opening(change.id)).toBe("open")
    expect(opening(session.record.id)).toBe("corrupt")
  })
})

describe("a login", () => {
  const guest = aStored({
    createdAtMillis: now - hour,
    state: { data: { cart: 1 }, absoluteFromMillis: now - hour }
  })
  const ann = { change: aChange("quarantine", "login"), operations: [start, login("ann")] }

  it("is a move that sets the user, and keeps a guest's data and creation", () => {
    const { next } = planned("Move", at(guest), ann)

    expect(next.record).toMatchObject({ userId: "ann", createdAtMillis: now - hour })
    expect(next.state).toMatchObject({ userId: "ann", data: { cart: 1 } })
  })

  it("flushes the data of another user", () => {
    const bob = aStored({ userId: "bob", state: { userId: "bob", data: { cart: 1 } } })

    const { next } = planned("Move", at(bob), ann)

    expect(next.state).toMatchObject({ userId: "ann", data: {} })
  })

  it("binds the session to the client that logs in", () => {
    const stored = { ...guest, origin: { ipAddress: "198.51.100.7", userAgent: "first" } }

    expect(planned("Move", at(stored), ann).next.origin).toEqual(browser)
  })

  it("through an alias is a move", () => {
    planned("Move", at(guest, { tokenFrom: "alias" }), ann)
  })

  it("starts the absolute timeout anew", () => {
    const { next } = planned("Move", at(guest), ann, { idleMillis: 24 * hour })

    expect(next.record.expiresAtMillis).toBe(now + policy.absoluteMillis)
  })
})

describe("expiryOf", () => {
  const began = { absoluteFromMillis: now }
  const cases = [
    ["the idle timeout after the activity", began, now + hour, now + 3 * hour],
    ["no later than the absolute timeout", began, now + 11 * hour, now + 12 * hour],
    ["a lifetime after the activity", { ...began, lifetime: minute }, now, now + minute],
    ["a lifetime after its beginning", { ...began, lifetime: hour }, now + minute, now + hour],
    ["later by a longer lifetime", { ...began, lifetime: 48 * hour }, now, now + 48 * hour],
    [
      "as configured until the browser ends",
      { ...began, lifetime: "browser" },
      now,
      now + 2 * hour
    ],
    ["no earlier than the activity", { ...began, lifetime: minute }, now + hour, now + hour]
  ] as const

  for (const [what, state, lastActivityMillis, expiresAtMillis] of cases) {
    it(`is ${what}`, () => {
      expect(expiryOf(policy, aState(state), lastActivityMillis)).toBe(expiresAtMillis)
    })
  }
})

describe("where a request stands after its plan", () => {
  it("is where it stood after none or a refusal", () => {
    const position = at(aStored())
    const refusal = { _tag: "Refuse", kind: "limit", operation: "", reason: "" } as const

    expect(positionAfter({ _tag: "Skip" }, position)).toBe(position)
    expect(positionAfter(refusal, position)).toBe(position)
  })

  it("is the same token on what was written after a touch and an update", () => {
    const position = at(aStored(), { tokenFrom: "alias" })
    const touch = plan(position, apart("touch"), { nowMillis: now + hour })
    const update = planned("Update", position, { operations: [put("a", 1)] })

    expect(positionAfter(touch, position)).toMatchObject({
      ...position,
      stored: { record: { lastActivityMillis: now + hour } }
    })
    expect(positionAfter(update, position)).toEqual({ ...position, stored: update.next })
  })

  it("is the new token and id after an insert and a move, which no other response can have", () => {
    const insert = planned("Insert", nowhere(), { operations: [start] })
    const move = planned("Move", at(aStored()), { change: aChange("alias") })

    for (const made of [insert, move]) {
      const { next, token } = made
      expect(positionAfter(made, nowhere())).toEqual({
        stored: next,
        token,
        id: next.record.id,
        tokenFrom: "here"
      })
    }
  })
})
