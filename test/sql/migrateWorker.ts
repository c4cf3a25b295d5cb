/** A process that migrates one SQLite file: `node --import tsx migrateWorker.ts <file> migrate|folder`. */
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { Migrator } from "@effect/sql"
import * as FileSystemLoader from "@effect/sql/Migrator/FileSystem"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer } from "effect"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"

const [, , filename = "", mode] = process.argv

const folder = Migrator.make({})({
  loader: FileSystemLoader.fromFileSystem(
    fileURLToPath(new URL("../../migrations", import.meta.url))
  ),
  table: "effect_session_migrations"
})

const migrate = Effect.map(SqlSessionStore.migrate, (names) => JSON.stringify(names))

const migrateFolder = Effect.map(folder, (done) => JSON.stringify(done))

const environment = Layer.merge(SqliteClient.layer({ filename }), NodeContext.layer)

process.stdout.write(
  await (mode === "folder"
    ? Effect.runPromise(Effect.provide(migrateFolder, environment))
    : Effect.runPromise(Effect.provide(migrate, environment)))
)
