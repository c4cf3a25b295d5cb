/** Puts the calls of the SQL store together. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isId } from "../../core/record/token.js"
import { settingMillis } from "../errors/durations.js"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import { keepsTime } from "../store/deadline.js"
import { make as makeStore } from "../store/make.js"
import * as Analytics from "./analytics.js"
import { batchedCalls } from "./batchedCalls.js"
import { collect } from "./collect.js"
import { makeDatabase } from "./database.js"
import type { Dialect } from "./dialect.js"
import { checkTables } from "./inspect.js"
import { count, entries, page, removeWhere } from "./listing.js"
import { revokedWithin, revokeUser } from "./revocations.js"
import { insert, insertMany, remove } from "./sessions.js"
import { makeTableNames } from "./tableNames.js"
import { checkClient, checkColumns } from "./textProof.js"

/** How a store is opened. */
export interface Opening {
  readonly table: string
  readonly keepEnded: Duration.DurationInput
}

/** Opens the store of a client; fails if its tables are missing or older than this version. */
export const openStore = (
  client: SqlClient,
  opening: Opening,
  dialect?: Dialect
): Effect.Effect<Service, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(client, dialect)
    const names = yield* makeTableNames(database.dialect, opening.table)
    yield* checkClient(database, names)
    yield* checkTables(database, names)
    yield* checkColumns(database, names)
    const keepEndedMillis = settingMillis("keepEnded", opening.keepEnded)
    const table = { database, names, keepEndedMillis }
    const batched = yield* batchedCalls(table)
    const removeMany = removeWhere(table)
    const removeOne = remove(table)
    const calls: Primitives & Overrides = {
      ...batched,
      // A text that is no id finds nothing, and the database may refuse it: it is not asked.
      find: (id) => (isId(id) ? batched.find(id) : Effect.succeedNone),
      insert: insert(table),
      insertMany: insertMany(table),
      remove: (id) => (isId(id) ? removeOne(id) : Effect.succeedNone),
      entries: entries(table),
      page: page(table),
      collect: collect(table),
      count: count(table),
      removeWhere: removeMany,
      revokeUser: revokeUser(table, removeMany),
      revokedWithin: yield* revokedWithin(table),
      addresses: Analytics.addresses(table),
      hourly: Analytics.hourly(table),
      usage: Analytics.usage(table)
    }
    return keepsTime(makeStore(calls, opening))
  })
