/** From a database's URL to its SQL client, loading the one driver that is needed. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { load } from "./load.js"

/** A database as the environment names it. */
export interface Connection {
  /** What it is and where, for people; without user and password. */
  readonly description: string
  readonly client: Layer.Layer<SqlClient, SessionConfigError | SessionStoreError>
}

type Url = Redacted.Redacted<string>

/** The database of a URL that stood in `variable`. */
export const connect = (
  variable: string,
  url: Url
): Effect.Effect<Connection, SessionConfigError> => {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(Redacted.value(url))?.[1]?.toLowerCase()
  switch (scheme) {
    case "postgres":
    case "postgresql":
      return server("PostgreSQL", variable, url, postgres)
    case "mysql":
    case "mariadb":
      return server("MySQL", variable, url, mysql)
    case "sqlite":
      return sqlite(variable, url)
    default:
      return Effect.fail(
        new SessionConfigError({
          field: variable,
          reason: "must be a URL that begins with postgres:, mysql:, mariadb: or sqlite:."
        })
      )
  }
}

type MakeClient = (variable: string, url: Url) => Connection["client"]

const server = (
  name: string,
  variable: string,
  url: Url,
  client: MakeClient
): Effect.Effect<Connection, SessionConfigError> =>
  Effect.try({
    try: () => {
      const { host, pathname } = new URL(Redacted.value(url))
      return { description: `${name} at ${host}${pathname}`, client: client(variable, url) }
    },
    // The error of `URL` quotes the URL, and with it the password.
    catch: () => new SessionConfigError({ field: variable, reason: "is not a URL." })
  })

const postgres: MakeClient = (variable, url) =>
  unwrap(
    load(variable, "@effect/sql-pg", () => import("@effect/sql-pg/PgClient")),
    (client) => client.layer({ url })
  )

const mysql: MakeClient = (variable, url) =>
  unwrap(
    load(variable, "@effect/sql-mysql2", () => import("@effect/sql-mysql2/MysqlClient")),
    (client) =>
      // The driver knows one name only.
      client.layer({ url: Redacted.make(Redacted.value(url).replace(/^mariadb:/i, "mysql:")) })
  )

const sqlite = (variable: string, url: Url): Effect.Effect<Connection, SessionConfigError> => {
  const filename = Redacted.value(url).replace(/^sqlite:(?:\/\/)?/i, "")
  if (filename === "") {
    const reason = "must name a file, such as sqlite:./data/app.db."
    return Effect.fail(new SessionConfigError({ field: variable, reason }))
  }
  return Effect.succeed({
    description: `SQLite in ${filename}`,
    client: unwrap(
      Effect.zipRight(
        directoryOf(variable, filename),
        load(
          variable,
          "@effect/sql-sqlite-node",
          () => import("@effect/sql-sqlite-node/SqliteClient")
        )
      ),
      (client) => client.layer({ filename })
    )
  })
}

/** SQLite makes a file, but no directory, and does not say in a code of its own that this is why. */
const directoryOf = (variable: string, filename: string): Effect.Effect<void, SessionConfigError> =>
  Effect.suspend(() => {
    const directory = dirname(filename)
    const reason = `names a file in ${directory}, a directory that is not there: make it.`
    return existsSync(directory)
      ? Effect.void
      : Effect.fail(new SessionConfigError({ field: variable, reason }))
  })

/** What a driver says about a database that does not answer is kept as the cause; a file it cannot open is thrown. */
const unwrap = <M, E>(
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
