/** The stores the servers can be started with: one line for each. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionStore from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"

const inTable = (client: Layer.Layer<SqlClient, unknown>) =>
  Layer.provide(SqlSessionStore.layerMigrated(), client)

const stores: Readonly<
  Record<string, (argument: string) => Layer.Layer<SessionStore.SessionStore, unknown>>
> = {
  memory: () => SessionStore.layerMemory,
  files: (directory) =>
    Layer.provide(FileSystemSessionStore.layer({ directory }), NodeContext.layer),
  sqlite: (filename) => inTable(SqliteClient.layer({ filename })),
  postgres: (url) => inTable(PgClient.layer({ url: Redacted.make(url), maxConnections: 8 })),
  mysql: (url) => inTable(MysqlClient.layer({ url: Redacted.make(url), maxConnections: 8 }))
}

export const storeOf = (name: string, argument: string) => {
  const store = stores[name]
  if (store === undefined) throw new Error(`There is no store named ${name}.`)
  return Layer.orDie(store(argument))
}
