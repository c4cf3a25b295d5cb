import { rm } from "node:fs/promises"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { LibsqlClient } from "@effect/sql-libsql"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { SessionStore } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { idOf } from "../sql/servers.js"
import { temporaryDirectory } from "../support/process.js"
import { aRecord } from "../support/record.js"

const aDirectory = Effect.acquireRelease(
  Effect.promise(() => temporaryDirectory("libsql")),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const aFile = Layer.unwrapScoped(
  Effect.map(aDirectory, (directory) =>
    LibsqlClient.layer({ url: `file:${join(directory, "sessions.db")}` })
  )
)

const store = (options: SqlSessionStore.Options = {}) =>
  SqlSessionStore.layerMigratedWith(options).pipe(Layer.provide(aFile))

SessionStoreTest.suite("libsql", store(), {
  layerKeeping7Days: store({ keepEnded: "7 days" })
})

describe("libsql", () => {
  it.scoped("a transaction of another client that is rolled back takes no session with it", () =>
    Effect.gen(function* () {
      const ofApp = yield* Layer.build(aFile)
      const sql = Context.get(ofApp, SqlClient)
      const session = yield* SessionStore
      const inserted = session.insert(aRecord({ id: idOf(1) }))

      yield* Effect.exit(sql.withTransaction(Effect.zipRight(inserted, Effect.fail("roll back"))))

      expect(yield* session.count({})).toMatchObject({ sessions: 1 })
    }).pipe(Effect.provide(store()))
  )

  it.scopedLive("inside a transaction of its own client a call times out, and works after it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const session = yield* SessionStore
      const inserted = session.insert(aRecord({ id: idOf(1) }))

      const inside = yield* sql.withTransaction(Effect.flip(inserted))

      expect(inside).toMatchObject({ operation: "insert", reason: "timeout" })
      expect(yield* inserted).toBe(true)
    }).pipe(Effect.provide(SqlSessionStore.layerMigrated.pipe(Layer.provideMerge(aFile))))
  )

  it.scoped("a driver that does not tell how many rows changed is an error, not a refusal", () =>
    Effect.gen(function* () {
      const client = yield* SqlClient
      const silent: SqlClient = new Proxy(client, {
        get: (target, property) =>
          property === "unsafe"
            ? (...given: Parameters<SqlClient["unsafe"]>) =>
                Object.defineProperty(target.unsafe(...given), "raw", { value: Effect.succeed({}) })
            : Reflect.get(target, property)
      })
      yield* SqlSessionStore.migrate
      const session = yield* Effect.map(
        Layer.build(Layer.provide(SqlSessionStore.layer, Layer.succeed(SqlClient, silent))),
        (context) => Context.get(context, SessionStore)
      )

      const error = yield* Effect.flip(session.insert(aRecord({ id: idOf(1) })))

      expect(error).toMatchObject({
        _tag: "SessionStoreError",
        operation: "insert",
        reason: "unknown"
      })
      expect(String(error.cause)).toContain("how many rows")
    }).pipe(Effect.provide(aFile))
  )
})
