/** One session table, and what several calls say of its rows: which are live, and what ends one. */
import * as Effect from "effect/Effect"
import { SessionStoreError } from "../errors/errors.js"
import type { Database } from "./database.js"
import type { TableNames } from "./tableNames.js"

/** One session table in one database. */
export interface SessionTable {
  readonly database: Database
  readonly names: TableNames
  readonly keepEndedMillis: number
}

/** The condition of a live row; its parameter is now. */
export const isLive = "expires_at > ? and ended_at is null"

/** The change that ends a session and keeps its row; `endedAt` is an expression. */
export const end = ({ names }: SessionTable, endedAt: string): string =>
  `update ${names.sessions} set ended_at = ${endedAt}, payload = '', previous_id = null, previous_kind = null, previous_until = null, previous_token = null`

/** The same at an instant that is its parameter; an expired session ended when it expired. */
export const endNow = (table: SessionTable): string =>
  end(table, `${table.database.dialect.least}(?, expires_at)`)

/** Reads rows: `read` may throw a `SessionStoreError`. */
export const decoding = <A>(
  operation: string,
  read: () => A
): Effect.Effect<A, SessionStoreError> =>
  Effect.try({
    try: read,
    catch: (cause) =>
      cause instanceof SessionStoreError
        ? cause
        : new SessionStoreError({ operation, reason: "corrupt" })
  })
