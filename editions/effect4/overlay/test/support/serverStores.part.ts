import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const stores: Readonly<Record<StoreName, (argument: string) => Promise<Store>>> = {
  memory: async () => SessionStore.layerMemory,
  files: async (directory) => {
    const NodeServices = await import("@effect/platform-node/NodeServices")
    const FileSystemSessionStore = await import("../../src/FileSystemSessionStore.js")
    return Layer.provide(FileSystemSessionStore.layer({ directory }), NodeServices.layer)
  },
  sqlite: () => Promise.reject(new Error("There is no driver of Effect 4 for SQLite.")),
  postgres: async (url) => {
    const { PgClient } = await import("@effect/sql-pg")
    const client = PgClient.layer({ url: Redacted.make(url), maxConnections })
    return Layer.provide(await sql(), client)
  },
  mariadb: () => Promise.reject(new Error("There is no driver of Effect 4 for MariaDB.")),
  redis: async (url) => {
    const RedisSessionStore = await import("../../src/RedisSessionStore.js")
    return RedisSessionStore.layer({ url })
  }
}
