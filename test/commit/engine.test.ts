/** What the request goes on with once its commit has met another one, was refused, or runs twice at once. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { keepCookie } from "../../src/core/commit/model.js"
import { adding, pushing } from "../../src/core/session/operation.js"
import { commit, commitApart, touch } from "../../src/internal/commit/commitPending.js"
import { consume } from "../../src/internal/commit/consume.js"
import { login } from "../../src/internal/commit/login.js"
import { changeId, type RequestSession, record } from "../../src/internal/commit/RequestSession.js"
import {
  aStalledStore,
  aStoredSession,
  aVisitor,
  dataOf,
  modify,
  parallel,
  put
} from "./support.js"

const run = Effect.runPromise
const fail = (session: RequestSession) => run(Effect.flip(commit(session)))
const tooLarge = "x".repeat(70_000)

describe("a commit that another request came before", () => {
  it("is run again on what that has stored", async () => {
    const session = await aStoredSession({ n: 1 })
    const other = parallel(session)
    modify(session, "n", adding(1))
    modify(other, "n", adding(1))

    await run(commit(other))

    expect(await run(commit(session))).toBe("done")
    expect(session.life.state.data).toEqual({ n: 3 })
    expect(await dataOf(session)).toEqual({ n: 3 })
  })

  it("goes on in the session that the other one has migrated, with its cookie", async () => {
    const session = await aStoredSession({ n: 1 })
    const other = parallel(session)
    changeId(other, "alias", "migrate")
    await run(commit(other))
    put(session, "n", 2)

    await run(commit(session))

    const { token } = other.life.position
    expect(session.life.cookie).toMatchObject({ _tag: "Set", at: { token, tokenFrom: "alias" } })
    expect(await dataOf(other)).toEqual({ n: 2 })
  })

  it("goes on there also where it only moves the last activity", async () => {
    const session = await aStoredSession({ n: 1 })
    const other = parallel(session)
    changeId(other, "alias", "migrate")
    await run(commit(other))

    await run(touch(session))

    expect(session.life.id).toBe(other.life.id)
  })

  it("is dropped, and sends no cookie, where a login has moved the session", async () => {
    const session = await aStoredSession({ n: 1 })
    const other = parallel(session)
    changeId(other, "quarantine", "login")
    await run(commit(other))
    put(session, "n", 2)

    expect(await run(commit(session))).toBe("gone")
    expect(session.life).toMatchObject({ phase: "retired", cookie: keepCookie })
    expect(await dataOf(other)).toEqual({ n: 1 })
  })
})

describe("a commit that is refused", () => {
  it("rolls back to what is stored, and what follows is stored alone", async () => {
    const session = await aStoredSession({ a: 1 })
    put(session, "large", tooLarge)

    expect((await fail(session))._tag).toBe("SessionEncodeError")
    expect(session.life.pending).toEqual([])
    expect(session.life.state.data).toEqual({ a: 1 })

    put(session, "small", true)
    await run(commit(session))
    expect(await dataOf(session)).toEqual({ a: 1, small: true })
  })

  it("drops the new id it was to have", async () => {
    const session = await aStoredSession({ a: 1 })
    const { id } = session.life
    changeId(session, "quarantine", "regenerate")
    put(session, "large", tooLarge)

    await fail(session)

    expect(session.life).toMatchObject({ id, change: null, cookie: keepCookie })
    expect(await dataOf(session)).toEqual({ a: 1 })
  })

  it("begins no session for a visitor", async () => {
    const visitor = aVisitor()
    put(visitor, "large", tooLarge)

    await fail(visitor)

    expect(visitor.life).toMatchObject({ phase: "open", pending: [], cookie: keepCookie })
    expect(await dataOf(visitor)).toBeUndefined()
  })

  it("shows what the other request has stored that it conflicts with", async () => {
    const session = await aStoredSession({ n: 1 })
    const other = parallel(session)
    modify(session, "n", adding(1))
    put(other, "n", "text")
    await run(commit(other))

    expect((await fail(session))._tag).toBe("SessionConflict")
    expect(session.life.state.data).toEqual({ n: "text" })
  })

  it("hands over the cookie of a session that was migrated all the same", async () => {
    const session = await aStoredSession({ list: [1] })
    const other = parallel(session)
    modify(session, "list", pushing(2))
    put(other, "list", "a word")
    changeId(other, "alias", "migrate")
    await run(commit(other))

    expect((await fail(session))._tag).toBe("SessionConflict")
    const { token } = other.life.position
    expect(session.life.cookie).toMatchObject({ _tag: "Set", at: { token } })
  })

  it("leaves what is pending where it was one of the library itself", async () => {
    const session = await aStoredSession({ a: 1 })
    const lockBy = (owner: string) =>
      commitApart(session, "serialize", () => [
        { _tag: "lock", owner, untilMillis: Date.now() + 60_000, atMillis: Date.now() }
      ])
    await run(lockBy("another"))
    put(session, "b", 2)

    expect((await run(Effect.flip(lockBy("me"))))._tag).toBe("SessionConflict")
    expect(session.life.state.data).toEqual({ a: 1, b: 2 })
    expect(session.life.pending).toHaveLength(1)
  })

  it("leaves what is pending where it was a login", async () => {
    const session = await aStoredSession({ a: 1 })
    put(session, "large", tooLarge)

    await run(Effect.exit(login(session, "ann", null)))

    expect(session.life.pending).toHaveLength(1)
    expect(session.life.state.userId).toBeNull()
  })

  it("takes nothing back of what was consumed before it", async () => {
    const session = await aStoredSession({ list: [1], ticket: "T" })
    const other = parallel(session)
    modify(session, "list", pushing(2))
    put(other, "list", "a word")
    await run(commit(other))

    expect(await run(consume(session, ["ticket"], "ticket"))).toEqual(Option.some("T"))
    expect((await fail(session))._tag).toBe("SessionConflict")
    expect(await dataOf(session)).toEqual({ list: "a word" })
  })
})

describe("a commit that finds nothing to write", () => {
  it("is done with what was pending", async () => {
    const session = await aStoredSession({ a: 1 })
    put(session, "a", 1)

    expect(await run(commit(session))).toBe("nothing")
    expect(session.life.pending).toEqual([])
  })

  it("keeps pending what is too little for a session of its own", async () => {
    const visitor = aVisitor()
    record(visitor, "regenerateToken", "", { _tag: "csrf", secret: "another" })

    expect(await run(commit(visitor))).toBe("nothing")
    expect(visitor.life.pending).toHaveLength(1)
  })
})

describe("two commits of one request at once", () => {
  it("store its operations once", async () => {
    const { asked, letGo, store } = aStalledStore()
    const session = await aStoredSession({ n: 1 }, store)
    modify(session, "n", adding(1))
    const both = [run(commit(session)), run(commit(session))]
    await asked()
    await letGo()

    expect(await Promise.all(both)).toEqual(["done", "nothing"])
    expect(await dataOf(session)).toEqual({ n: 2 })
  })

  it("leave pending what is recorded while they run", async () => {
    const { asked, letGo, store } = aStalledStore()
    const session = await aStoredSession({ n: 1 }, store)
    put(session, "a", 1)
    const running = run(commit(session))
    await asked()
    put(session, "b", 1)
    await letGo()

    await running
    expect(await dataOf(session)).toEqual({ n: 1, a: 1 })
    expect(session.life.pending).toHaveLength(1)

    await run(commit(session))
    expect(await dataOf(session)).toEqual({ n: 1, a: 1, b: 1 })
  })
})

describe("a skipped request", () => {
  const verbs: Readonly<
    Record<string, (session: RequestSession) => Effect.Effect<unknown, unknown>>
  > = {
    commit,
    touch,
    consume: (session) => consume(session, ["a"], "a"),
    login: (session) => login(session, "ann", null)
  }
  for (const [name, verb] of Object.entries(verbs)) {
    it(`stores nothing, neither by a ${name}`, async () => {
      const session = await aStoredSession({ a: 1 })
      const { find } = session.request.store
      const before = await run(find(session.life.id))
      session.skip()
      put(session, "b", 2)

      await run(verb(session))

      expect(await run(find(session.life.id))).toEqual(before)
      expect(session.life).toMatchObject({ phase: "skipped", cookie: keepCookie })
    })
  }

  it("sees who logs in during it", async () => {
    const visitor = aVisitor()
    visitor.skip()

    await run(login(visitor, "ann", null))

    expect(visitor.life.state.userId).toBe("ann")
    expect(await dataOf(visitor)).toBeUndefined()
  })
})
