/** What the command line asks of a database, apart from its sessions. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { makeDatabase } from "./database.js"
import { checkTable } from "./migrate.js"
import { makeTableNames } from "./tableNames.js"

/** Fails if the tables of that name are missing or lack columns, with a sentence that says what to do. */
export const inspectTable = (
  client: SqlClient,
  tableName: string
): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(client)
    const names = yield* makeTableNames(database.dialect, tableName)
    yield* checkTable(database, names)
  })

/** By how many milliseconds, at least, the database's clock differs from the clock of this process. */
export const inspectClock = (client: SqlClient): Effect.Effect<number, SessionStoreError> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(client)
    const before = yield* Clock.currentTimeMillis
    const [row] = yield* database.call(
      "look",
      database.query(`select ${database.dialect.nowMillis} as now`, [])
    )
    const after = yield* Clock.currentTimeMillis
    const now = Number(row?.now)
    return Math.max(0, before - now, now - after)
  })
