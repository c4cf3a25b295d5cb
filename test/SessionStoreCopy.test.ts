/** `SessionStore.copy`: what is copied, what becomes of sessions that change meanwhile, and what a stop leaves behind. */
import { existsSync } from "node:fs"
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
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import { makeMigrating } from "../src/internal/store/migrating/store.js"
import type { CopyReport, Service, SessionRecord } from "../src/SessionStore.js"
import { copy, layerMemoryWith, SessionStore, SessionStoreError } from "../src/SessionStore.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { aDirectory } from "./faults/workers/spawn.js"
import { clientOf, lacksDriver } from "./support/sqlClients.js"

const aRecord = (number: number, given?: Partial<SessionRecord>): SessionRecord => ({
  id: number.toString(16).padStart(40, "0"),
  namespace: number % 2 === 0 ? "session" : "admin",
  userId: "7",
  ipAddress: "192.0.2.1",
  userAgent: "test",
  createdAtMillis: 0,
  lastActivityMillis: 0,
  expiresAtMillis: Date.now() + 3_600_000,
  endedAtMillis: null,
  version: 3,
  previous: null,
  payload: '{"visits":1}',
  ...given
})

const [a, b, c] = [aRecord(1), aRecord(2), aRecord(3)] as const

const later = (record: SessionRecord, given?: Partial<SessionRecord>): SessionRecord => ({
  ...record,
  version: record.version + 1,
  lastActivityMillis: record.lastActivityMillis + 1000,
  payload: '{"visits":2}',
  ...given
})

const memory = (keepEnded = 0) =>
  Effect.map(Layer.build(layerMemoryWith({ keepEnded })), Context.get(SessionStore))

const withRecords = (records: ReadonlyArray<SessionRecord>, keepEnded = 0) =>
  Effect.tap(memory(keepEnded), (store) => Effect.forEach(records, store.insert))

const layer = (store: Service) => Layer.succeed(SessionStore, store)

const copied = (
  from: Service,
  to: Service,
  options?: Omit<Parameters<typeof copy>[0], "from" | "to">
) => copy({ from: layer(from), to: layer(to), ...options })

const idsIn = (store: Service) =>
  Effect.map(Stream.runCollect(store.entries({})), (all) =>
    Chunk.toReadonlyArray(all)
      .map(({ id }) => id)
      .sort()
  )

const recordIn = (store: Service, { id }: SessionRecord) =>
  Effect.map(store.find(id), Option.getOrUndefined)

/** A store whose `find` runs `meanwhile` the first time, right after it has answered. */
const changingAfterFind = (store: Service, meanwhile: Effect.Effect<unknown, unknown>): Service => {
  let isFirst = true
  return {
    ...store,
    find: (id) =>
      Effect.tap(store.find(id), (found) => {
        if (!isFirst || Option.isNone(found)) return Effect.void
        isFirst = false
        return Effect.orDie(meanwhile)
      })
  }
}

describe("copy", () => {
  it.scoped("copies every live session of all namespaces, and leaves them where they are", () =>
    Effect.gen(function* () {
      const records = Array.from({ length: 1234 }, (_, number) => aRecord(number))
      const from = yield* withRecords(records)
      const to = yield* memory()

      const report = yield* copied(from, to)

      expect(report).toEqual({ total: 1234, done: 1234, copied: 1234, unreadable: 0 })
      expect(yield* idsIn(from)).toEqual(records.map(({ id }) => id))
      expect(yield* Effect.forEach(records, (one) => recordIn(to, one))).toEqual(records)
    })
  )

  it.scoped("copies nothing the second time, and only what changed after that", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, b])
      const to = yield* memory()
      yield* copied(from, to)

      const again = yield* copied(from, to)
      yield* from.update(later(a), a.version)
      const third = yield* copied(from, to)

      expect(again).toEqual({ total: 2, done: 2, copied: 0, unreadable: 0 })
      expect(third).toEqual({ total: 2, done: 2, copied: 1, unreadable: 0 })
      expect(yield* recordIn(to, a)).toEqual(later(a))
    })
  )

  it.scoped("keeps the newer version where both stores have a session", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, later(b)])
      const to = yield* withRecords([later(a), b])

      const report = yield* copied(from, to)

      expect(report.copied).toBe(1)
      expect([yield* recordIn(to, a), yield* recordIn(to, b)]).toEqual([later(a), later(b)])
      expect([yield* recordIn(from, a), yield* recordIn(from, b)]).toEqual([a, later(b)])
    })
  )

  it.scoped("takes along a later activity of the same version", () =>
    Effect.gen(function* () {
      const touched = { ...a, lastActivityMillis: 500, expiresAtMillis: a.expiresAtMillis + 500 }
      const from = yield* withRecords([touched])
      const to = yield* withRecords([a])

      yield* copied(from, to)

      expect(yield* recordIn(to, a)).toEqual(touched)
    })
  )

  it.scoped("never revives a session that ended in the new store", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a])
      const to = yield* withRecords([a], 60_000)
      yield* to.remove(a.id)

      const report = yield* copied(from, to)

      expect(report.copied).toBe(0)
      expect(yield* idsIn(to)).toEqual([])
    })
  )

  it.scoped("copies a session again that changes while it is copied", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a])
      const to = yield* memory()

      yield* copied(changingAfterFind(from, from.update(later(a), a.version)), to)

      expect(yield* recordIn(to, a)).toEqual(later(a))
    })
  )

  it.scoped("ends the copy of a session that ends while it is copied", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, b])
      const to = yield* memory()

      yield* copied(changingAfterFind(from, from.remove(a.id)), to)

      expect(yield* idsIn(to)).toEqual([b.id])
    })
  )

  it.scoped("does not end such a copy that was used in the new store", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, b])
      const to = yield* memory()
      let rounds = 0
      const listing: Service = {
        ...from,
        entries: (filter) =>
          Stream.unwrap(
            Effect.gen(function* () {
              rounds += 1
              if (rounds === 2) {
                yield* from.remove(a.id)
                yield* to.update(later(a), a.version)
              }
              return from.entries(filter)
            })
          )
      }

      yield* copied(listing, to)

      expect(yield* recordIn(to, a)).toEqual(later(a))
    })
  )

  it.scoped("leaves no session under an old id behind when the id changes while it is copied", () =>
    Effect.gen(function* () {
      const previous = {
        id: a.id,
        kind: "quarantine",
        untilMillis: Date.now() + 5000,
        sealedToken: null
      } as const
      const moved = later(a, { id: b.id, previous })
      const from = yield* withRecords([a])
      const to = yield* memory()

      yield* copied(changingAfterFind(from, from.move(a.id, moved, a.version)), to)

      expect(yield* idsIn(to)).toEqual([b.id])
      expect(yield* recordIn(to, b)).toEqual(moved)
    })
  )

  it.scoped("leaves none when the id changes twice", () =>
    Effect.gen(function* () {
      const previous = { kind: "quarantine", untilMillis: 0, sealedToken: null } as const
      const second = later(a, { id: b.id, previous: { ...previous, id: a.id } })
      const third = later(second, { id: c.id, previous: { ...previous, id: b.id } })
      const from = yield* withRecords([a])
      const to = yield* memory()
      const twice = Effect.zipRight(
        from.move(a.id, second, a.version),
        from.move(b.id, third, second.version)
      )

      yield* copied(changingAfterFind(from, twice), to)

      expect(yield* idsIn(to)).toEqual([c.id])
    })
  )

  it.scoped("goes on past a session that cannot be read", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, b])
      const to = yield* memory()
      const corrupt = new SessionStoreError({ operation: "find", reason: "corrupt" })
      const damaged: Service = {
        ...from,
        find: (id) => (id === a.id ? Effect.fail(corrupt) : from.find(id))
      }

      const report = yield* copied(damaged, to)

      expect(report).toEqual({ total: 2, done: 2, copied: 1, unreadable: 1 })
      expect(yield* idsIn(to)).toEqual([b.id])
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )

  it.scoped("that is stopped leaves whole sessions, and goes on when it is run again", () =>
    Effect.gen(function* () {
      const records = Array.from({ length: 1000 }, (_, number) => aRecord(number))
      const from = yield* withRecords(records)
      const to = yield* memory()
      let begun = 0
      let ended = 0
      const stopping: Service = {
        ...to,
        insertMany: (some) =>
          ++begun > 3
            ? Effect.never
            : Effect.tap(to.insertMany(some), () => Effect.sync(() => ++ended))
      }
      const reports: Array<CopyReport> = []
      const onProgress = (report: CopyReport) => Effect.sync(() => void reports.push(report))

      const run = yield* Effect.fork(copied(from, stopping, { onProgress }))
      yield* Effect.repeat(Effect.yieldNow(), { until: () => ended === 3 })
      yield* Fiber.interrupt(run)
      const before = (yield* idsIn(to)).length
      const report = yield* copied(from, to)

      expect(before).toBe(300)
      expect(reports.at(-1)?.total).toBe(1000)
      expect(reports.at(-1)?.done).toBeLessThanOrEqual(before)
      expect(report).toEqual({ total: 1000, done: 1000, copied: 700, unreadable: 0 })
    })
  )

  it.scoped("tells how far it is, from the beginning to the end", () =>
    Effect.gen(function* () {
      const from = yield* withRecords(Array.from({ length: 250 }, (_, number) => aRecord(number)))
      const to = yield* memory()
      const reports: Array<CopyReport> = []

      yield* copied(from, to, {
        onProgress: (report) => Effect.sync(() => void reports.push(report))
      })

      expect(reports[0]).toEqual({ total: 250, done: 0, copied: 0, unreadable: 0 })
      expect(reports.at(-1)).toEqual({ total: 250, done: 250, copied: 250, unreadable: 0 })
    })
  )

  it.scoped("of a dry run counts, opens no new store and changes nothing", () =>
    Effect.gen(function* () {
      const directory = join(yield* aDirectory, "new")
      const from = yield* withRecords([a, b])
      const to = FileSystemSessionStore.layer({ directory })

      const report = yield* copy({ from: layer(from), to, dryRun: true })

      expect(report).toEqual({ total: 2, done: 0, copied: 0, unreadable: 0 })
      expect(existsSync(directory)).toBe(false)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("moves only where that is asked for", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a, b])
      const to = yield* memory()

      const report = yield* copied(from, to, { move: true })

      expect(report).toEqual({ total: 2, done: 2, copied: 2, unreadable: 0 })
      expect(yield* idsIn(from)).toEqual([])
      expect([yield* recordIn(to, a), yield* recordIn(to, b)]).toEqual([a, b])
    })
  )

  it.scoped("does not take the claim of a move that stopped for a session", () =>
    Effect.gen(function* () {
      const from = yield* withRecords([a])
      const other = yield* memory()
      const to = yield* memory()
      const never = { ...from, remove: () => Effect.never }
      const stopping = yield* Effect.fork(
        makeMigrating({ from: never, to: other, copied: 0 }).find(a.id)
      )
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(stopping)

      const report = yield* copied(from, to)

      expect(report.copied).toBe(0)
      expect(yield* idsIn(to)).toEqual([])
    })
  )

  it.scoped("dies where both are the same store, and ends no session", () =>
    Effect.gen(function* () {
      const only = yield* withRecords([a])

      const exit = yield* Effect.exit(copied(only, only))

      expect(Exit.isFailure(exit) && String(exit.cause)).toMatch(/is the same store as `from`/)
      expect(yield* idsIn(only)).toEqual([a.id])
    })
  )
})

const files = Layer.unwrapScoped(
  Effect.map(aDirectory, (directory) => FileSystemSessionStore.layer({ directory }))
).pipe(Layer.provide(NodeContext.layer))

const sqlite = SqlSessionStore.layerMigrated.pipe(
  Layer.provide(
    Layer.unwrapScoped(
      Effect.map(aDirectory, (directory) => Layer.orDie(clientOf(join(directory, "sessions.db"))))
    )
  )
)

describe.each([
  ["memory", layerMemoryWith({})] as const,
  ["files", files] as const,
  ...(lacksDriver("sqlite") ? [] : [["SQLite", sqlite] as const])
])("insertMany of %s", (_, store) => {
  it.scopedLive("stores what is new, changes nothing else, and tells which", () =>
    Effect.gen(function* () {
      const { find, insert, insertMany } = yield* SessionStore
      const alias = { kind: "alias", untilMillis: Date.now() + 60_000, sealedToken: "s" } as const
      const d = aRecord(4, { previous: { ...alias, id: aRecord(5).id } })
      yield* insert(a)

      const stored = yield* insertMany([later(a), b, c, d])

      expect(stored).toEqual([false, true, true, true])
      const ids = [a, b, c, d, aRecord(5)].map(({ id }) => id)
      expect(yield* Effect.forEach(ids, (id) => find(id))).toEqual(
        [a, b, c, d, d].map((record) => Option.some(record))
      )
    }).pipe(Effect.provide(store))
  )

  it.scopedLive("stores a session once that is given to several calls at once", () =>
    Effect.gen(function* () {
      const { insert, insertMany } = yield* SessionStore
      const records = Array.from({ length: 20 }, (_, number) => aRecord(number))

      const stored = yield* Effect.all(
        [
          insertMany(records),
          insertMany([...records].reverse()),
          Effect.forEach(records, insert, { concurrency: 20 })
        ],
        { concurrency: 3 }
      )

      expect(stored.flat().filter((isStored) => isStored)).toHaveLength(20)
    }).pipe(Effect.provide(store))
  )
})
