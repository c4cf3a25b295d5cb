/** The SQL clients of the tests; each loads only its driver. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

export type Driver = "postgres" | "mysql" | "sqlite"

type Open = (url: string, maxConnections: number) => Promise<Layer.Layer<SqlClient, unknown>>

const postgres: Open = async (url, maxConnections) => {
  const { PgClient } = await import("@effect/sql-pg")
  return PgClient.layer({ url: Redacted.make(url), maxConnections })
}

const mysql: Open = async (url, maxConnections) => {
  const { MysqlClient } = await import("@effect/sql-mysql2")
  return MysqlClient.layer({ url: Redacted.make(url), maxConnections })
}

const sqlite: Open = async (filename) => {
  const { SqliteClient } = await import("@effect/sql-sqlite-node")
  return SqliteClient.layer({ filename })
}

/** The drivers that can be had. */
const drivers: Readonly<Partial<Record<Driver, Open>>> = { postgres, mysql, sqlite }

export const lacksDriver = (driver: Driver): boolean => drivers[driver] === undefined

const driverOf = (url: string): Driver =>
  url.startsWith("mysql:") ? "mysql" : url.startsWith("postgres") ? "postgres" : "sqlite"

/** A client with a pool of its own: of a server by its URL, of SQLite by its file. */
export const clientOf = (url: string, maxConnections = 8): Layer.Layer<SqlClient, unknown> =>
  Layer.unwrapEffect(
    Effect.promise(async () => {
      const open = drivers[driverOf(url)]
      if (open === undefined) throw new Error(`There is no driver for ${driverOf(url)}.`)
      return open(url, maxConnections)
    })
  )
