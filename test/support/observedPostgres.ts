/** A PostgreSQL client that notes what it sends and what fails, and can lose a reply. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import pg from "pg"

export interface Observed {
  readonly layer: ReturnType<typeof PgClient.layerFromPool>
  /** The statements sent, in order. */
  readonly statements: Array<string>
  /** The codes of what failed. */
  readonly failures: Array<string>
  /** The next statement this is true for is run, but its reply never comes: the connection seems lost. */
  loses: ((text: string) => boolean) | undefined
}

type Callback = (error: unknown, result: unknown) => void

export const observedPostgres = (url: string, max = 8): Observed => {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on("error", () => {})
  pool.on("connect", (client) => observe(client, observed))
  const observed: Observed = {
    layer: PgClient.layerFromPool({
      acquire: Effect.acquireRelease(Effect.succeed(pool), () => Effect.promise(() => pool.end()))
    }),
    statements: [],
    failures: [],
    loses: undefined
  }
  return observed
}

const observe = (client: pg.PoolClient, observed: Observed): void => {
  const query: unknown = client.query
  if (typeof query !== "function") return
  const send = (...given: ReadonlyArray<unknown>): unknown => {
    const [text, parameters, callback] = given
    if (typeof text !== "string" || typeof callback !== "function") {
      return Reflect.apply(query, client, given)
    }
    observed.statements.push(text)
    const isLost = observed.loses?.(text) ?? false
    if (isLost) observed.loses = undefined
    const answered: Callback = (error, result) => {
      if (error instanceof Error) observed.failures.push(String(Reflect.get(error, "code")))
      const lost = isLost
        ? Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
        : error
      Reflect.apply(callback, undefined, [lost, result])
    }
    return Reflect.apply(query, client, [text, parameters, answered])
  }
  Object.defineProperty(client, "query", { value: send })
}
