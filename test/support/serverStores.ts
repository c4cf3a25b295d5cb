/** The stores that server processes of the tests can be started with; each loads only the driver it needs. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SessionStore from "../../src/SessionStore.js"

export type StoreName = "memory" | "files" | "sqlite" | "postgres" | "mariadb" | "redis"

/** Connections of a server's pool. */
export const maxConnections = 8

type Store = Layer.Layer<SessionStore.SessionStore, unknown>

const stores: Readonly<Record<StoreName, (argument: string) => Promise<Store>>> = {
  memory: async () => SessionStore.layerMemory,
  files: async (directory) => {
    const NodeContext = await import("@effect/platform-node/NodeContext")
    const FileSystemSessionStore = await import("../../src/FileSystemSessionStore.js")
    return Layer.provide(FileSystemSessionStore.layer({ directory }), NodeContext.layer)
  },
  sqlite: async (filename) => {
    const { SqliteClient } = await import("@effect/sql-sqlite-node")
    return Layer.provide(await sql(), SqliteClient.layer({ filename }))
  },
  postgres: async (url) => {
    const { PgClient } = await import("@effect/sql-pg")
    const client = PgClient.layer({ url: Redacted.make(url), maxConnections })
    return Layer.provide(await sql(), client)
  },
  mariadb: async (url) => {
    const { MysqlClient } = await import("@effect/sql-mysql2")
    const client = MysqlClient.layer({ url: Redacted.make(url), maxConnections })
    return Layer.provide(await sql(), client)
  },
  redis: async (url) => {
    const RedisSessionStore = await import("../../src/RedisSessionStore.js")
    return RedisSessionStore.layer({ url })
  }
}

const sql = async () => (await import("../../src/SqlSessionStore.js")).layerMigrated

const isStore = (name: string): name is StoreName => Object.hasOwn(stores, name)

/** The store of that name: `argument` is a directory, a file or a URL. */
export const storeOf = (name: string, argument: string): Layer.Layer<SessionStore.SessionStore> => {
  if (!isStore(name)) throw new Error(`There is no store named ${name}.`)
  return Layer.orDie(Layer.unwrapEffect(Effect.promise(() => stores[name](argument))))
}
