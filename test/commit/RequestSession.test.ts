/** The session of one request: how its lives follow each other, and what is recorded in them. */
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import { keepCookie } from "../../src/core/commit/model.js"
import { commit, hasWork } from "../../src/internal/commit/commitPending.js"
import {
  changeId,
  emptyLife,
  isRetired,
  lifeAt,
  RequestSession,
  record,
  recordAll,
  startSession
} from "../../src/internal/commit/RequestSession.js"
import { SessionStoreError } from "../../src/internal/errors/errors.js"
import { aStored, at } from "../core/commit/support.js"
import { aRequest, aStalledStore, aStoredSession, aVisitor, put } from "./support.js"

const failure = new SessionStoreError({ operation: "commit", reason: "timeout" })
const deleted = { _tag: "Delete" } as const

/** A request that found a session, has written to it and waits to change its id. */
const aBusy = () => {
  const stored = aStored({ state: { data: { a: 1 }, flash: { f: { id: "flash", value: 1 } } } })
  const session = new RequestSession(aRequest(), lifeAt(at(stored)))
  put(session, "b", 2)
  changeId(session, "quarantine", "regenerate")
  session.life.cookie = deleted
  return { session, id: stored.record.id }
}

/** What every life begins with that has no session. */
const unwritten = { pending: [], change: null, predicted: null, isNew: true, shownFlash: [] }

describe("a request that restarts", () => {
  it("goes on with an empty session of its own, which may be stored", () => {
    const { id, session } = aBusy()

    session.restart()

    expect(session.life).toMatchObject({ ...unwritten, phase: "open", failure: null })
    expect(session.life).toMatchObject({ cookie: keepCookie, retiredId: null })
    expect(session.life.state.data).toEqual({})
    expect(session.life.position.stored).toBeNull()
    expect(session.life.id).not.toBe(id)
  })

  it("owes the client what it is told", () => {
    const { session } = aBusy()

    session.restart(deleted)

    expect(session.life.cookie).toBe(deleted)
  })

  it("stays skipped if it was", () => {
    const { session } = aBusy()
    session.skip()

    session.restart()

    expect(session.life).toMatchObject({ ...unwritten, phase: "skipped" })
  })
})

describe("a request whose session is gone", () => {
  it("drops what it was to store, and leaves the cookie alone", () => {
    const { id, session } = aBusy()

    session.retire()

    expect(session.life).toMatchObject({ ...unwritten, phase: "retired", failure: null })
    expect(session.life).toMatchObject({ cookie: keepCookie, retiredId: id })
    expect(session.life.state.data).toEqual({})
  })

  it("stores nothing more, unless it asks for a session", () => {
    const { session } = aBusy()
    session.retire()

    put(session, "b", 2)
    expect(isRetired(session.life)).toBe(true)
    expect(hasWork(session)).toBe(false)

    startSession(session, "start")
    expect(isRetired(session.life)).toBe(false)
    expect(hasWork(session)).toBe(true)
  })

  it("remembers the id it came with, if there was one", () => {
    const visitor = aVisitor()
    visitor.retire()
    const { id, session } = aBusy()
    session.retire()
    session.retire()

    expect(visitor.life.retiredId).toBeNull()
    expect(session.life.retiredId).toBe(id)
  })
})

describe("a request that gives its session up", () => {
  it("sees none, and remembers why", () => {
    const { id, session } = aBusy()

    session.giveUp(failure)

    expect(session.life).toMatchObject({ ...unwritten, phase: "retired", failure, retiredId: id })
  })

  it("keeps the cookie of what was committed before", () => {
    const { session } = aBusy()

    session.giveUp(failure)

    expect(session.life.cookie).toBe(deleted)
  })
})

describe("a request whose session is withheld", () => {
  it("sees none, and knows the id it is told", () => {
    const { session } = aBusy()

    session.withhold("another")

    expect(session.life).toMatchObject({ ...unwritten, phase: "retired", failure: null })
    expect(session.life).toMatchObject({ cookie: keepCookie, retiredId: "another" })
  })
})

describe("a request that is skipped", () => {
  it("goes on seeing its session, and drops what it was to store", () => {
    const { session } = aBusy()
    const { cookie, position } = session.life

    session.skip()

    expect(session.life).toMatchObject({ phase: "skipped", pending: [], change: null })
    expect(session.life).toMatchObject({ cookie, position })
    expect(session.life.state.data).toEqual({ a: 1, b: 2 })
  })

  it("has nothing to commit, whatever it writes", () => {
    const { session } = aBusy()
    session.skip()

    put(session, "c", 3)

    expect(hasWork(session)).toBe(false)
    expect(hasWork(session, { ages: true, also: [] })).toBe(false)
  })
})

describe("a request whose head has left", () => {
  const leave = () => {
    const { session } = aBusy()
    const late: Array<string> = []
    session.leave((verb, key) => late.push(`${verb} ${key}`))
    return { session, late }
  }

  it("drops a new id that no cookie can tell any more, and keeps what is pending", () => {
    const { session } = leave()

    expect(session.life.change).toBeNull()
    expect(session.life.pending).toHaveLength(1)
  })

  it("reports what it writes, and records it", () => {
    const { late, session } = leave()

    put(session, "c", 3)

    expect(late).toEqual(["put c"])
    expect(session.life.state.data).toEqual({ a: 1, b: 2, c: 3 })
  })

  it("reports a new id, and keeps its own", () => {
    const { late, session } = leave()
    const { id } = session.life

    expect(changeId(session, "alias", "migrate")).toBe(id)
    expect(late).toEqual(["migrate "])
    expect(session.life.change).toBeNull()
  })

  it("begins no session any more", () => {
    const visitor = aVisitor()
    put(visitor, "a", 1)
    visitor.leave(() => undefined)

    expect(hasWork(visitor)).toBe(false)
  })
})

describe("a life", () => {
  it("hands the client of an alias the current cookie, and no other", () => {
    const stored = aStored()
    const behind = at(stored, { tokenFrom: "alias" })

    expect(lifeAt(behind).cookie).toEqual({ _tag: "Set", at: behind })
    expect(lifeAt(at(stored)).cookie).toEqual(keepCookie)
  })

  it("knows the flash it was shown, and whether it is new", () => {
    const { session } = aBusy()

    expect(session.life).toMatchObject({ shownFlash: ["flash"], isNew: false })
    expect(emptyLife(aRequest(), "open")).toMatchObject({ shownFlash: [], isNew: true })
  })

  it("predicts what is stored next, as long as the handler sees just that", () => {
    const { session } = aBusy()
    const { position, state } = session.life
    expect(session.life.predicted).toEqual({ from: position.stored?.state, state })

    put(session, "c", 3)
    expect(session.life.predicted?.state).toBe(session.life.state)

    session.life.predicted = null
    put(session, "d", 4)
    expect(session.life.predicted).toBeNull()
  })

  it("predicts nothing where nothing is stored", () => {
    const visitor = aVisitor()

    put(visitor, "a", 1)

    expect(visitor.life.predicted).toBeNull()
  })

  it("records all of several operations, or none", () => {
    const { session } = aBusy()
    const { pending, predicted, state } = session.life
    const wrong = () =>
      record(session, "setLifetime", "", { _tag: "lifetime", lifetime: Number.NaN })

    expect(() =>
      recordAll(session, () => {
        put(session, "c", 3)
        wrong()
      })
    ).toThrow("a lifetime is a finite duration")
    expect(session.life.pending).toBe(pending)
    expect(session.life.predicted).toBe(predicted)
    expect(session.life.state).toBe(state)
  })

  it("never weakens a quarantine to an alias", () => {
    const { session } = aBusy()
    const before = session.life.id

    const id = changeId(session, "alias", "migrate")

    expect(session.life.change).toMatchObject({ id, kind: "quarantine", reason: "migrate" })
    expect(id).not.toBe(before)
  })
})

describe("a commit that comes late", () => {
  /** A session that is stored, and a commit of it whose write waits in the store. */
  const stalled = async (replaced?: () => Effect.Effect<never, SessionStoreError>) => {
    const { asked, letGo, store } = aStalledStore(replaced)
    const session = await aStoredSession({ a: 1 }, store)
    put(session, "a", 2)
    const { life } = session
    const running = Effect.runPromise(commit(session))
    await asked()
    const finish = async () => {
      await letGo()
      return running
    }
    return { session, life, store, finish }
  }

  const ways: Readonly<Record<string, (session: RequestSession) => void>> = {
    restarted: (session) => session.restart(),
    "given up": (session) => session.giveUp(failure),
    withheld: (session) => session.withhold(null)
  }
  for (const [how, change] of Object.entries(ways)) {
    it(`settles a life that nobody looks at: the session was ${how}`, async () => {
      const { finish, life, session } = await stalled()
      change(session)
      put(session, "own", 1)
      const { ...before } = session.life

      expect(await finish()).toBe("done")
      expect(life.position.stored?.record.version).toBe(2)
      expect(life.pending).toEqual([])
      expect({ ...session.life }).toEqual(before)
    })
  }

  it("retires nobody where it finds its session gone", async () => {
    const { finish, life, session, store } = await stalled()
    await Effect.runPromise(store.remove(life.position.id))
    session.restart()
    const next = session.life

    expect(await finish()).toBe("gone")
    expect(session.life).toBe(next)
    expect(session.life.phase).toBe("open")
  })

  it("gives nothing up where nobody can tell what became of it", async () => {
    const away = new SessionStoreError({ operation: "test", reason: "unavailable" })
    const { finish, session } = await stalled(() => away)
    session.restart()
    const next = session.life

    expect(await finish().catch(String)).toContain("unavailable")
    expect(session.life).toBe(next)
  })

  it("retires the life that is still in it", async () => {
    const { finish, life, session, store } = await stalled()
    await Effect.runPromise(store.remove(life.position.id))

    expect(await finish()).toBe("gone")
    expect(session.life).toMatchObject({ phase: "retired", retiredId: life.position.id })
  })
})

describe("the state of a request", () => {
  it("is no more than eight fields that change", () => {
    const path = new URL("../../src/internal/commit/RequestSession.ts", import.meta.url)
    const file = ts.createSourceFile("", readFileSync(path, "utf8"), ts.ScriptTarget.Latest)

    const fields = file.statements.filter(ts.isClassDeclaration).flatMap(fieldsOf)

    expect(fields.map((field) => field.name.getText(file)).sort()).toEqual(
      // Of `Life`, and of `RequestSession`: the life itself and the report of late writes.
      [
        "change",
        "cookie",
        "pending",
        "position",
        "predicted",
        "state",
        "life",
        "onLateWrite"
      ].sort()
    )
  })
})

/** The fields of a class that can be written to, whether declared in it or in its constructor. */
const fieldsOf = (
  declaration: ts.ClassDeclaration
): ReadonlyArray<ts.PropertyDeclaration | ts.ParameterDeclaration> =>
  declaration.members
    .flatMap((member): ReadonlyArray<ts.PropertyDeclaration | ts.ParameterDeclaration> => {
      if (ts.isPropertyDeclaration(member)) return [member]
      if (!ts.isConstructorDeclaration(member)) return []
      return member.parameters.filter((parameter) => (parameter.modifiers ?? []).length > 0)
    })
    .filter(({ modifiers = [] }) =>
      [...modifiers].every(({ kind }) => kind !== ts.SyntaxKind.ReadonlyKeyword)
    )
