/** Work on many sessions of which one cannot be done: the others are done, and what was done counts. */
import { join } from "node:path"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { NodeContext } from "@effect/platform-node"
import { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import { makeMemory } from "../../src/internal/store/memory/store.js"
import { makeMigrating } from "../../src/internal/store/migrating/store.js"
import type { Primitives, SessionRecord } from "../../src/SessionStore.js"
import { make, SessionStore, SessionStoreError } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { aDirectory } from "../faults/workers/spawn.js"
import { aStore } from "../support/collecting.js"
import { aRecord } from "../support/record.js"

const failure = new SessionStoreError({ operation: "remove", reason: "unavailable" })

const tooManyFiles = new SystemError({
  reason: "Unknown",
  module: "FileSystem",
  method: "readDirectory",
  cause: Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" })
})

const anHourAgo = Date.now() - 3_600_000

const over = () => aRecord({ nowMillis: 2 * anHourAgo - Date.now() })

/** A store of the six primitives, some of which are replaced. */
const sixPrimitives = (replace: (memory: Primitives) => Partial<Primitives>) => {
  const { find, insert, update, move, remove, entries } = makeMemory(0, undefined)
  const memory = { find, insert, update, move, remove, entries }
  return make({ ...memory, ...replace(memory) })
}

/** A store that cannot remove these sessions. */
const keeping = (kept: ReadonlyArray<SessionRecord>) =>
  sixPrimitives(({ remove }) => ({
    remove: (id) => (kept.some((record) => record.id === id) ? failure : remove(id))
  }))

/** Runs an effect and gives what it warned of beside what it gave. */
const warned = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const warnings: Array<unknown> = []
    const logger = Logger.make(({ message }) => warnings.push(message))
    return Effect.map(
      Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger)),
      (value) => ({ value, warnings })
    )
  })

const namesOf = (store: Pick<Primitives, "entries">, state: "live" | "over") =>
  Effect.map(Stream.runCollect(store.entries({ state })), (entries) =>
    Chunk.toReadonlyArray(entries).map(({ id }) => id)
  )

describe("a store of the six primitives", () => {
  it.live("collects all but a session that cannot be removed, counts them and warns", () =>
    Effect.gen(function* () {
      const records = Array.from({ length: 20 }, over)
      const store = keeping(records.slice(4, 5))
      yield* Effect.forEach(records, store.insert)

      const { value, warnings } = yield* warned(store.collect(100))

      expect(value).toBe(19)
      expect(warnings).toEqual([expect.arrayContaining([failure])])
      expect(yield* namesOf(store, "over")).toEqual([records[4]?.id])
    })
  )

  it.live("fails to collect where nothing could be removed", () =>
    Effect.gen(function* () {
      const record = over()
      const store = keeping([record])
      yield* store.insert(record)

      expect(yield* Effect.flip(store.collect(100))).toBe(failure)
    })
  )

  it.live("ends all sessions of a user but one that cannot be removed, then fails", () =>
    Effect.gen(function* () {
      const records = Array.from({ length: 20 }, () => aRecord({ userId: "ada" }))
      const store = keeping(records.slice(4, 5))
      yield* Effect.forEach(records, store.insert)

      const failed = yield* Effect.flip(store.removeWhere({ userId: "ada" }))

      expect(failed).toBe(failure)
      expect(yield* namesOf(store, "live")).toEqual([records[4]?.id])
    })
  )

  it.live("ends the sessions of a user whose revocation cannot be noted, then fails", () =>
    Effect.gen(function* () {
      const record = aRecord({ userId: "ada" })
      const store = sixPrimitives(({ insert }) => ({
        insert: (one) => (one.namespace === "session" ? insert(one) : failure)
      }))
      yield* store.insert(record)

      const failed = yield* Effect.flip(store.revokeUser({ namespace: "session", userId: "ada" }))

      expect(failed).toBe(failure)
      expect(yield* namesOf(store, "live")).toEqual([])
    })
  )
})

describe("a migrating store", () => {
  const collecting = (...collected: readonly [from: number | null, to: number | null]) => {
    const [from, to] = collected.map(
      (count) => aStore(count === null ? failure : Effect.succeed(count)).store
    )
    if (from === undefined || to === undefined) throw new Error("Two stores make a migration.")
    const { collect } = makeMigrating({ from, to, copied: 0 })
    return warned(
      Effect.catchAll(collect?.(10) ?? Effect.die("It collects nothing."), Effect.succeed)
    )
  }

  it.effect.each([
    [null, 3, 3, 1],
    [3, null, 3, 1],
    [3, 4, 7, 0]
  ] as const)("collects %s in the old store and %s in the new one: %i", ([from, to, sum, count]) =>
    Effect.gen(function* () {
      const { value, warnings } = yield* collecting(from, to)

      expect(value).toBe(sum)
      expect(warnings).toHaveLength(count)
    })
  )

  it.effect("fails to collect where both stores fail", () =>
    Effect.gen(function* () {
      expect((yield* collecting(null, null)).value).toBe(failure)
    })
  )
})

it.scopedLive("a database counts what was deleted when the statement after that fails", () =>
  Effect.gen(function* () {
    const client = SqliteClient.layer({ filename: join(yield* aDirectory, "sessions.db") })
    yield* Effect.gen(function* () {
      const store = yield* SessionStore
      const sql = yield* SqlClient
      const [expired, ended] = [over(), over()]
      yield* Effect.forEach([expired, ended], store.insert)
      yield* sql`update sessions set ended_at = ${anHourAgo} where id = ${ended.id}`
      yield* sql`create trigger refuse before delete on sessions when old.ended_at is not null begin select raise(abort, 'refused'); end`

      const { value, warnings } = yield* warned(store.collect(100))

      expect(value).toBe(1)
      expect(warnings).toHaveLength(1)
    }).pipe(Effect.provide(Layer.provideMerge(SqlSessionStore.layerMigrated, client)))
  })
)

it.scopedLive("files count what was collected when the system fails after that", () =>
  Effect.gen(function* () {
    let read = 0
    const full = Layer.map(NodeContext.layer, (context) => {
      const fs = Context.get(context, FileSystem.FileSystem)
      // The second directory of sessions cannot be read, as if the process had no file handle left.
      const readDirectory: typeof fs.readDirectory = (path, options) =>
        /\/[0-9a-f]{2}$/.test(path) && ++read === 2
          ? Effect.fail(tooManyFiles)
          : fs.readDirectory(path, options)
      return Context.add(context, FileSystem.FileSystem, { ...fs, readDirectory })
    })
    const directory = yield* aDirectory
    const layer = FileSystemSessionStore.layer({ directory, fsync: false }).pipe(
      Layer.provide(full)
    )
    yield* Effect.gen(function* () {
      const store = yield* SessionStore
      yield* Effect.forEach(["0", "1", "2"], (one) =>
        store.insert({ ...over(), id: one.repeat(40) })
      )

      const { value } = yield* warned(store.collect(100))

      expect(value).toBe(1)
    }).pipe(Effect.provide(layer))
  })
)
