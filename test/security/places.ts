/** The stores the security tests run on. A place can be opened by several servers, and shows all that it keeps. */
import { readdirSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { MysqlClient } from "@effect/sql-mysql2"
import { PgClient } from "@effect/sql-pg"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Chunk, Effect, Layer, ManagedRuntime, Option, Redacted, Stream } from "effect"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionStore from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { startMariadb } from "../support/mariadb.js"
import { startPostgres } from "../support/postgres.js"
import { temporaryDirectory } from "../support/process.js"

export interface Place {
  /** Opens the store: each build is another server on the same sessions. */
  readonly layer: Layer.Layer<SessionStore.SessionStore>
  /** Every byte that is kept, one character a byte. */
  readonly dump: () => Promise<string>
  readonly close: () => Promise<void>
}

export const memoryPlace = async (): Promise<Place> => {
  const runtime = ManagedRuntime.make(SessionStore.layerMemory)
  const store = await runtime.runPromise(SessionStore.SessionStore)
  const records = Effect.flatMap(Stream.runCollect(store.entries({ state: "all" })), (all) =>
    Effect.forEach(Chunk.toReadonlyArray(all), ({ id }) => store.find(id))
  )
  return {
    layer: Layer.succeed(SessionStore.SessionStore, store),
    dump: async () => {
      const found = await runtime.runPromise(records)
      return latin(JSON.stringify(found.map(Option.getOrNull)))
    },
    close: () => runtime.dispose()
  }
}

export const filesPlace = async (): Promise<Place> => {
  const directory = await temporaryDirectory("security-files")
  return {
    layer: Layer.orDie(FileSystemSessionStore.layer({ directory, fsync: false })).pipe(
      Layer.provide(NodeContext.layer)
    ),
    dump: async () => bytesUnder(directory),
    close: () => rm(directory, { recursive: true, force: true })
  }
}

export const sqlitePlace = async (): Promise<Place> => {
  const directory = await temporaryDirectory("security-sqlite")
  const client = SqliteClient.layer({ filename: join(directory, "sessions.db") })
  return {
    layer: Layer.orDie(SqlSessionStore.layerMigrated().pipe(Layer.provide(client))),
    dump: async () => bytesUnder(directory),
    close: () => rm(directory, { recursive: true, force: true })
  }
}

export const postgresPlace = async (): Promise<Place> => {
  const server = await startPostgres()
  const url = await server.aDatabase()
  const client = PgClient.layer({ url: Redacted.make(url), maxConnections: 4 })
  return {
    layer: Layer.orDie(SqlSessionStore.layerMigrated().pipe(Layer.provide(client))),
    dump: async () => latin(JSON.stringify(await server.run(url, "select * from sessions"))),
    close: () => server.close()
  }
}

export const mariadbPlace = async (): Promise<Place> => {
  const server = await startMariadb()
  const url = await server.aDatabase()
  const client = MysqlClient.layer({ url: Redacted.make(url), maxConnections: 4 })
  return {
    layer: Layer.orDie(SqlSessionStore.layerMigrated().pipe(Layer.provide(client))),
    dump: async () => latin(JSON.stringify(await server.run(url, "select * from sessions"))),
    close: () => server.close()
  }
}

const latin = (text: string): string => Buffer.from(text).toString("latin1")

/** The names and the contents of all files under a directory. */
const bytesUnder = (directory: string): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return `${entry.name}\n${entry.isFile() ? readFileSync(path, "latin1") : ""}\n`
    })
    .join("")
