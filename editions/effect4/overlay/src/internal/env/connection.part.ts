import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { SqlClient } from "effect/sql/SqlClient"

/** What the module of a client has. */
interface ClientModule {
  readonly layer: (options: object) => Layer.Layer<SqlClient>
}

const noModule = (source: string): Effect.Effect<ClientModule, SessionConfigError> =>
  fail(
    source,
    "names a database that no client of Effect 4 can be had for yet. Provide SqlSessionStore with a client of your own."
  )

const mysqlModule = (source: string) => noModule(source)

const sqliteModule = (source: string) => noModule(source)

// The first four are read here, the others by the client.
const postgresParameters: Parameters = new Map([
  ["schema", /^[A-Za-z_][A-Za-z0-9_$-]{0,35}$/],
  ["connection_limit", whole],
  ["connect_timeout", whole],
  ["pgbouncer", yesOrNo],
  ["application_name", any],
  ["client_encoding", /^utf-?8$/i],
  ["host", any],
  ["options", any],
  ["password", any],
  ["port", whole],
  ["sslmode", /^(disable|prefer|require|verify-ca|verify-full)$/],
  ["user", any]
])
