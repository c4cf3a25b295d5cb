import { rm } from "node:fs/promises"
import { join } from "node:path"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer } from "effect"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { temporaryDirectory } from "../support/process.js"

const aDirectory = Effect.acquireRelease(
  Effect.promise(() => temporaryDirectory("sqlite")),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const aFile = Layer.unwrapScoped(
  Effect.map(aDirectory, (directory) =>
    SqliteClient.layer({ filename: join(directory, "sessions.db") })
  )
)

SessionStoreTest.suite("sqlite", Layer.provide(SqlSessionStore.layerMigrated, aFile), {
  layerKeeping7Days: Layer.provide(
    SqlSessionStore.layerMigratedWith({ keepEnded: "7 days" }),
    aFile
  )
})
