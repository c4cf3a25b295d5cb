/** From a database's URL to its SQL client. Only the driver of that database is loaded. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
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
  /** The schema for a table that is named without one. */
  readonly schema?: string | undefined
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
      return server(given, "PostgreSQL", postgresParameters, postgres)
    case "mysql":
    case "mariadb":
      // Both schemes lead to both servers.
      return server(given, "MySQL or MariaDB", mysqlParameters, mysql)
    case "sqlite":
      return sqlite(given)
    default:
      return fail(given.source, "must begin with postgres:, mysql:, mariadb: or sqlite:.")
  }
}

/** The parameters that a URL may have, and the values they take. What is not here would be ignored by the driver. */
type Parameters = ReadonlyMap<string, RegExp>

const any = /./
const whole = /^[1-9]\d{0,8}$/
const yesOrNo = /^(true|false)$/

// The first four are read here, the others by the driver, pg. The store needs nothing else behind PgBouncer.
const postgresParameters: Parameters = new Map([
  ["schema", /^[A-Za-z_][A-Za-z0-9_$-]{0,35}$/],
  ["connection_limit", whole],
  ["connect_timeout", whole],
  ["pgbouncer", yesOrNo],
  ["application_name", any],
  ["client_encoding", /^utf-?8$/i],
  ["fallback_application_name", any],
  ["host", any],
  ["idle_in_transaction_session_timeout", whole],
  ["lock_timeout", whole],
  ["options", any],
  ["password", any],
  ["port", whole],
  ["query_timeout", whole],
  ["ssl", /^(true|1|0|no-verify)$/],
  ["sslcert", any],
  ["sslkey", any],
  ["sslmode", /^(disable|prefer|require|verify-ca|verify-full|no-verify)$/],
  ["sslnegotiation", /^(postgres|direct)$/],
  ["sslrootcert", any],
  ["statement_timeout", whole],
  ["uselibpqcompat", yesOrNo],
  ["user", any]
])

// The first is read here, the others by the driver, mysql2, which reads more: those would change what a statement answers.
const mysqlParameters: Parameters = new Map([
  ["connection_limit", whole],
  ["charset", /^utf8mb4(_\w+)?$/i],
  ["compress", yesOrNo],
  ["connectAttributes", /^\{.*\}$/],
  ["connectTimeout", whole],
  ["connectionLimit", whole],
  ["enableCleartextPlugin", yesOrNo],
  ["enableKeepAlive", yesOrNo],
  ["idleTimeout", whole],
  ["keepAliveInitialDelay", whole],
  ["localAddress", any],
  ["maxIdle", whole],
  ["maxPreparedStatements", whole],
  ["queueLimit", whole],
  ["socketPath", any],
  ["ssl", /^(\{.*\}|Amazon RDS)$/],
  ["timezone", /^(local|Z|[ +-]\d\d:\d\d)$/],
  ["waitForConnections", yesOrNo]
])

const server = (
  given: Given,
  name: string,
  parameters: Parameters,
  client: (given: Given, url: URL) => Connection["client"]
): Effect.Effect<Connection, SessionConfigError> =>
  Effect.gen(function* () {
    const { source } = given
    // The error of `URL` quotes the URL, and with it the password.
    const url = yield* Effect.catchAll(
      Effect.try(() => new URL(Redacted.value(given.url))),
      () => fail(source, "is not a URL.")
    )
    // Such a part may be the rest of a password, so it is not named.
    if (url.hash !== "" || url.search.includes("@")) {
      const reason =
        "has a #, or an @ behind a ?. In a password or value write # as %23, ? as %3F and @ as %40."
      return yield* fail(source, reason)
    }
    for (const [key, value] of url.searchParams) {
      const takes = parameters.get(key)
      if (takes === undefined) {
        const known = [...parameters.keys()].join(", ")
        const reason = `has the parameter ${key}, which the client for ${name} does not know. It knows ${known}.`
        return yield* fail(source, reason)
      }
      if (!takes.test(value)) {
        return yield* fail(source, `has the parameter ${key} with a value that it does not take.`)
      }
    }
    return {
      description: `${name} at ${url.host}${url.pathname}`,
      schema: url.searchParams.get("schema") ?? undefined,
      client: client(given, url)
    }
  })

const countIn = ({ searchParams }: URL, name: string): number | undefined =>
  searchParams.has(name) ? Number(searchParams.get(name)) : undefined

const postgres = ({ source, url: text }: Given, url: URL) =>
  clientOf(
    load(source, "@effect/sql-pg", () => import("@effect/sql-pg/PgClient")),
    ({ layer }) => {
      const seconds = countIn(url, "connect_timeout")
      return layer({
        url: text,
        maxConnections: countIn(url, "connection_limit"),
        connectTimeout: seconds && `${seconds} seconds`
      })
    }
  )

const mysqlModule = (source: string) =>
  load(source, "@effect/sql-mysql2", () => import("@effect/sql-mysql2/MysqlClient"))

const mysql = ({ source }: Given, url: URL) =>
  clientOf(mysqlModule(source), ({ layer }) => {
    const known = new URL(url)
    // The driver knows only one of the two schemes, and complains of parameters that it does not know.
    known.protocol = "mysql:"
    known.searchParams.delete("connection_limit")
    return layer({
      url: Redacted.make(known.href),
      maxConnections: countIn(url, "connection_limit")
    })
  })

const sqliteModule = (source: string) =>
  load(source, "@effect/sql-sqlite-node", () => import("@effect/sql-sqlite-node/SqliteClient"))

const sqlite = ({ source, url }: Given): Effect.Effect<Connection, SessionConfigError> => {
  const filename = Redacted.value(url).replace(/^sqlite:(?:\/\/)?/i, "")
  if (/:memory:|[?&]mode=memory/i.test(filename)) {
    const reason =
      "names a database in memory, where no migration reaches it. For sessions in memory set SESSION_DRIVER to memory."
    return fail(source, reason)
  }
  const parameter = /\?([^=&]*)/.exec(filename)?.[1]
  if (parameter !== undefined) {
    return fail(
      source,
      `has the parameter ${parameter}, but the client for SQLite knows none: name the file alone.`
    )
  }
  if (filename === "" || /^file:/i.test(filename)) {
    return fail(source, "must name a file, such as sqlite:./data/app.db.")
  }
  const directory = dirname(filename)
  // SQLite makes a file but no directory, and its error does not say so.
  const module = Effect.suspend(() =>
    existsSync(directory)
      ? sqliteModule(source)
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
        Layer.fail(
          new SessionStoreError({
            operation: "connect",
            reason: "unavailable",
            cause: Cause.squash(cause)
          })
        )
      )
    )
  )
