/** From a database's URL to its SQL client. Only the driver of that database is loaded. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fail } from "../config/variables.js"
import { type SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { load } from "./load.js"

/** A database. */
export interface Connection {
  /** What it is and where, for people, without user and password. */
  readonly description: string
  readonly client: Layer.Layer<SqlClient, SessionConfigError | SessionStoreError>
  /** The file of SQLite, which opening makes when it is missing. */
  readonly file?: string
}

/** The URL of a database, and the variable or option that gave it, for errors. */
export interface Given {
  readonly source: string
  readonly url: Redacted.Redacted<string>
}

/** The database of a URL. */
export const connect = (given: Given): Effect.Effect<Connection, SessionConfigError> => {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(Redacted.value(given.url))?.[1]?.toLowerCase()
  switch (scheme) {
    case "postgres":
    case "postgresql":
      return server("PostgreSQL", given, postgres(given))
    case "mysql":
    case "mariadb":
      // Both schemes lead to both servers.
      return server("MySQL or MariaDB", given, mysql(given))
    case "sqlite":
      return sqlite(given)
    default:
      return fail(given.source, "must begin with postgres:, mysql:, mariadb: or sqlite:.")
  }
}

const server = (
  name: string,
  { source, url }: Given,
  client: Connection["client"]
): Effect.Effect<Connection, SessionConfigError> =>
  Effect.try(() => new URL(Redacted.value(url))).pipe(
    // The error of `URL` quotes the URL, and with it the password.
    Effect.catchAll(() => fail(source, "is not a URL.")),
    Effect.map(({ host, pathname }) => ({ description: `${name} at ${host}${pathname}`, client }))
  )

const postgres = ({ source, url }: Given) =>
  clientOf(
    load(source, "@effect/sql-pg", () => import("@effect/sql-pg/PgClient")),
    (pg) => pg.layer({ url })
  )

const mysql = ({ source, url }: Given) =>
  clientOf(
    load(source, "@effect/sql-mysql2", () => import("@effect/sql-mysql2/MysqlClient")),
    // The driver knows only one of the two schemes.
    ({ layer }) =>
      layer({ url: Redacted.make(Redacted.value(url).replace(/^mariadb:/i, "mysql:")) })
  )

const sqlite = ({ source, url }: Given): Effect.Effect<Connection, SessionConfigError> => {
  const filename = Redacted.value(url).replace(/^sqlite:(?:\/\/)?/i, "")
  if (filename === "") return fail(source, "must name a file, such as sqlite:./data/app.db.")
  const directory = dirname(filename)
  // SQLite makes a file but no directory, and its error does not say so.
  const module = Effect.suspend(() =>
    existsSync(directory)
      ? load(
          source,
          "@effect/sql-sqlite-node",
          () => import("@effect/sql-sqlite-node/SqliteClient")
        )
      : fail(source, `names a file in ${directory}, but there is no such directory. Make it first.`)
  )
  return Effect.succeed({
    description: `SQLite in ${filename}`,
    file: filename,
    client: clientOf(module, ({ layer }) => layer({ filename }))
  })
}

/** A client that fails with a store error, whatever its driver does: some throw. */
const clientOf = <M, E>(
  module: Effect.Effect<M, SessionConfigError>,
  layer: (module: M) => Layer.Layer<SqlClient, E>
): Connection["client"] =>
  Layer.unwrapEffect(
    Effect.map(module, (loaded) =>
      Layer.catchAllCause(layer(loaded), (cause) =>
        Layer.fail(new SessionStoreError({ operation: "connect", reason: "unavailable", cause }))
      )
    )
  )
