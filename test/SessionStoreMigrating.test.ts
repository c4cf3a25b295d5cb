import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import { moveAll } from "../src/internal/store/migrating/copyAll.js"
import { makeMigrating } from "../src/internal/store/migrating/store.js"
import type { Service, SessionFilter, SessionRecord } from "../src/SessionStore.js"
import {
  copyProgress,
  LocalInstant,
  layerMemory,
  layerMemoryWith,
  Migration,
  make as makeStore,
  migrating,
  SessionStore,
  SessionStoreError
} from "../src/SessionStore.js"
import * as SessionStoreTest from "../src/SessionStoreTest.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { aDirectory } from "./faults/workers/spawn.js"
import { clientOf, lacksDriver } from "./support/sqlClients.js"

const memoryKeeping = layerMemoryWith({ keepEnded: "7 days" })

const files = (keepEnded = 0) =>
  Layer.unwrapScoped(
    Effect.map(aDirectory, (directory) =>
      FileSystemSessionStore.layer({ directory, fsync: false, keepEnded })
    )
  ).pipe(Layer.provide(NodeContext.layer))

const sqlite = SqlSessionStore.layerMigrated.pipe(
  Layer.provide(
    Layer.unwrapScoped(
      Effect.map(aDirectory, (directory) => Layer.orDie(clientOf(join(directory, "sessions.db"))))
    )
  )
)

/** A migration in which every session lies in the old store first, as if it had been inserted before the change. */
const startingIn = <E>(from: Layer.Layer<SessionStore, E>, to: Layer.Layer<SessionStore, E>) =>
  Layer.scoped(
    SessionStore,
    Effect.gen(function* () {
      const old = Context.get(yield* Layer.build(from), SessionStore)
      const both = yield* Layer.build(migrating({ from: Layer.succeed(SessionStore, old), to }))
      return { ...Context.get(both, SessionStore), insert: old.insert }
    })
  )

SessionStoreTest.suite(
  "migrating, memory to memory",
  migrating({ from: layerMemory, to: layerMemory }),
  { layerKeeping7Days: migrating({ from: memoryKeeping, to: memoryKeeping }) }
)

// Without `keepEnded`: an id that `from` keeps as ended is not known to be taken, which no `find` could tell.
SessionStoreTest.suite(
  "migrating, memory to memory, of sessions in the old one",
  startingIn(layerMemory, layerMemory)
)

SessionStoreTest.suite(
  "migrating, files to memory, of sessions in the files",
  startingIn(files(), layerMemory)
)

if (!lacksDriver("sqlite")) {
  SessionStoreTest.suite(
    "migrating, memory to SQLite, of sessions in memory",
    startingIn(layerMemory, sqlite)
  )

  SessionStoreTest.suite(
    "migrating, SQLite to memory, of sessions in SQLite",
    startingIn(sqlite, layerMemory)
  )
}

const aRecord = (id: string, given?: Partial<SessionRecord>): SessionRecord => ({
  id: id.padEnd(40, "0"),
  namespace: "session",
  userId: "7",
  ipAddress: "192.0.2.1",
  userAgent: "test",
  createdAtMillis: 0,
  lastActivityMillis: 0,
  expiresAtMillis: 3_600_000,
  endedAtMillis: null,
  version: 3,
  previous: null,
  payload: '{"visits":1}',
  ...given
})

const a = aRecord("a")

const memory = (keepEnded?: string) =>
  Effect.map(
    Layer.build(layerMemoryWith({ keepEnded: keepEnded === undefined ? 0 : "7 days" })),
    Context.get(SessionStore)
  )

/** The two stores, and what `migrating` makes of them. */
const aMigration = (keepEnded?: string) =>
  Effect.gen(function* () {
    const from = yield* memory(keepEnded)
    const to = yield* memory(keepEnded)
    const layer = migrating({
      from: Layer.succeed(SessionStore, from),
      to: Layer.succeed(SessionStore, to)
    })
    const context = yield* Layer.build(layer)
    const { drain, copyProgress } = Context.get(context, Migration)
    return { from, to, store: Context.get(context, SessionStore), drain, copyProgress }
  })

const listedIds = (store: Service, filter: SessionFilter = {}) =>
  Effect.map(Stream.runCollect(store.entries(filter)), (all) =>
    Chunk.toReadonlyArray(all).map(({ id }) => id)
  )

describe("migrating", () => {
  it.scoped("copies a session unchanged when it is first asked for, and takes it out of from", () =>
    Effect.gen(function* () {
      const { from, to, store } = yield* aMigration()
      yield* from.insert(a)

      const found = yield* store.find(a.id)

      expect(found).toEqual(Option.some(a))
      expect(yield* to.find(a.id)).toEqual(Option.some(a))
      expect(yield* listedIds(from, { state: "all" })).toEqual([])
    })
  )

  it.scoped("takes an alias along with its session, with the sealed token", () =>
    Effect.gen(function* () {
      const { from, store } = yield* aMigration()
      const old = aRecord("0")
      const previous = {
        id: old.id,
        kind: "alias",
        untilMillis: 30_000,
        sealedToken: "sealed"
      } as const
      yield* from.insert({ ...a, previous })

      const byAlias = yield* store.find(old.id)
      const again = yield* store.find(old.id)
      yield* TestClock.adjust(30_000)
      const afterGrace = yield* store.find(old.id)

      expect([byAlias, again]).toEqual(Array(2).fill(Option.some({ ...a, previous })))
      expect(afterGrace).toEqual(Option.none())
      expect(yield* store.find(a.id)).toEqual(Option.some({ ...a, previous }))
    })
  )

  it.scoped("never finds the old id of a session again that logged in after the copy", () =>
    Effect.gen(function* () {
      const { from, to, store } = yield* aMigration()
      yield* from.insert(a)
      yield* store.find(a.id)
      const b = aRecord("b", {
        version: 4,
        previous: { id: a.id, kind: "quarantine", untilMillis: 5000, sealedToken: null }
      })
      yield* store.move(a.id, b, a.version)
      yield* TestClock.adjust(5000)

      expect(yield* store.find(a.id)).toEqual(Option.none())
      expect(yield* listedIds(to)).toEqual([b.id])
    })
  )

  it.scoped(
    "never completes the copy of a late process that another's claim is in the way of",
    () =>
      Effect.gen(function* () {
        const { from, to, store } = yield* aMigration()
        yield* from.insert(a)
        yield* Effect.fork(
          makeMigrating({ from: { ...from, remove: () => Effect.never }, to, copied: 0 }).find(a.id)
        )
        yield* Effect.yieldNow()
        yield* store.move(a.id, { ...aRecord("b"), version: 4 }, a.version)
        const looks = [Effect.succeed(Option.some(a))]
        const late = { ...from, find: (id: string) => looks.pop() ?? from.find(id) }

        const found = yield* makeMigrating({ from: late, to, copied: 0 }).find(a.id)

        expect(found).toEqual(Option.none())
        expect(looks).toEqual([])
        expect(yield* listedIds(to)).toEqual([aRecord("b").id])
      })
  )

  it.scoped("finds a revocation that a server which was not switched made in from", () =>
    Effect.gen(function* () {
      const { from, store } = yield* aMigration()
      const user = { namespace: "session", userId: "7" }
      const since = LocalInstant.now()

      yield* from.revokeUser(user)

      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    })
  )

  it.scoped("leaves a revocation in from, for a server that was not switched", () =>
    Effect.gen(function* () {
      const { from, store } = yield* aMigration()
      const user = { namespace: "session", userId: "7" }
      const since = LocalInstant.now()

      yield* store.revokeUser(user)

      expect(yield* from.revokedWithin({ ...user, since })).toBe(true)
    })
  )

  it.scoped("refuses to insert under an id that from has", () =>
    Effect.gen(function* () {
      const { from, to, store } = yield* aMigration()
      yield* from.insert(a)

      expect(yield* store.insert({ ...a, userId: "8" })).toBe(false)
      expect(yield* to.find(a.id)).toEqual(Option.none())
    })
  )

  it.scoped("ends a session in to also where from cannot be reached, and says so", () =>
    Effect.gen(function* () {
      const to = yield* memory()
      const down = new SessionStoreError({ operation: "remove", reason: "unavailable" })
      const from: Service = { ...(yield* memory()), remove: () => Effect.fail(down) }
      const store = makeStore(makeMigrating({ from, to, copied: 0 }))
      yield* to.insert(a)

      const failure = yield* Effect.flip(store.remove(a.id))

      expect(failure).toBe(down)
      expect(yield* to.find(a.id)).toEqual(Option.none())
    })
  )

  it.scoped("shows what a copy leaves in a store that keeps ended sessions in no figure", () =>
    Effect.gen(function* () {
      const { from, store } = yield* aMigration("7 days")
      const ended = aRecord("e")
      yield* Effect.forEach([a, ended], from.insert)
      yield* from.remove(ended.id)
      yield* store.find(a.id)

      const ids = yield* listedIds(store, { state: "all" })
      const { live, over } = yield* store.usage({ namespace: "session" })

      expect([...ids].sort()).toEqual([a.id, ended.id])
      expect({ live, over }).toEqual({ live: 1, over: 1 })
    })
  )

  it.scoped("provides two stores where one layer is given twice", () =>
    Effect.gen(function* () {
      const layer = migrating({ from: layerMemory, to: layerMemory })

      const progress = yield* Effect.provide(copyProgress, layer)

      expect(progress).toEqual({ left: 0, copied: 0 })
    })
  )
})

describe("drain", () => {
  it.scoped("moves all namespaces, more than a batch, and tells how many are left", () =>
    Effect.gen(function* () {
      const { from, to, drain, copyProgress } = yield* aMigration()
      const records = Array.from({ length: 2100 }, (_, index) =>
        aRecord(`f${index}x`, { namespace: index % 2 === 0 ? "session" : "admin" })
      )
      yield* Effect.forEach(records, from.insert)

      const before = yield* copyProgress
      const copied = yield* drain
      const after = yield* copyProgress

      expect(before).toEqual({ left: 2100, copied: 0 })
      expect(copied).toBe(2100)
      expect(after).toEqual({ left: 0, copied: 2100 })
      expect((yield* to.count({})).sessions).toBe(2100)
    })
  )

  it.scoped("leaves a session that cannot be read where it is, and moves the others", () =>
    Effect.gen(function* () {
      const from = yield* memory()
      const to = yield* memory()
      yield* Effect.forEach([a, aRecord("b")], from.insert)
      const corrupt = new SessionStoreError({ operation: "find", reason: "corrupt" })
      const damaged: Service = {
        ...from,
        find: (id) => (id === a.id ? Effect.fail(corrupt) : from.find(id))
      }

      const report = yield* moveAll({ from: damaged, to, copied: 0 })

      expect(report).toEqual({ total: 2, done: 2, copied: 1, unreadable: 1 })
      expect(yield* listedIds(from)).toEqual([a.id])
      expect(yield* listedIds(to)).toEqual([aRecord("b").id])
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )

  it.scoped("dies where both are the same store, and ends no session", () =>
    Effect.gen(function* () {
      const only = yield* memory()
      yield* only.insert(a)

      const exit = yield* Effect.exit(moveAll({ from: only, to: only, copied: 0 }))

      expect(Exit.isFailure(exit) && String(exit.cause)).toMatch(/is the same store as `from`/)
      expect(yield* listedIds(only)).toEqual([a.id])
    })
  )

  it.scoped("removes a claim that a process which stopped left behind", () =>
    Effect.gen(function* () {
      const from = yield* memory()
      const to = yield* memory()
      yield* from.insert(a)
      const never = { ...from, remove: () => Effect.never }
      const stopping = yield* Effect.fork(makeMigrating({ from: never, to, copied: 0 }).find(a.id))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(stopping)
      const before = [yield* from.find(a.id), yield* to.find(a.id)]

      yield* moveAll({ from, to, copied: 0 })

      expect(before.map(Option.map(({ userId }) => userId))).toEqual(
        [null, "7"].map((userId) => Option.some(userId))
      )
      expect(yield* listedIds(from)).toEqual([])
      expect(yield* to.find(a.id)).toEqual(Option.some(a))
    })
  )
})
