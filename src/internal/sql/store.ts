/** Puts the calls of the SQL store together. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isId } from "../../core/record/token.js"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import { make as makeStore } from "../store/make.js"
import * as Analytics from "./analytics.js"
import { batchedCalls } from "./batchedCalls.js"
import { collect } from "./collect.js"
import { type Database, makeDatabase } from "./database.js"
import { count, entries, removeWhere } from "./listing.js"
import { checkTable } from "./migrate.js"
import { revokedWithin, revokeUser } from "./revocations.js"
import { insert, insertMany, remove } from "./sessions.js"
import type { SessionTable } from "./sessionTable.js"
import { makeTableNames } from "./tableNames.js"

/** How a store is opened. */
export interface Opening {
  readonly table: string
  readonly keepEnded: Duration.DurationInput
  /** Whether concurrent calls share statements. Off only to measure what that saves. */
  readonly batches: boolean
}

/** Opens the store of a client; fails if its tables are missing or older than this version. */
export const openStore = (
  client: SqlClient,
  opening: Opening
): Effect.Effect<Service, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const made = yield* makeDatabase(client)
    const database = opening.batches ? made : withoutBatches(made)
    const names = yield* makeTableNames(database.dialect, opening.table)
    yield* checkTable(database, names)
    const table = { database, names, keepEndedMillis: Duration.toMillis(opening.keepEnded) }
    return makeStore(yield* callsOf(table), opening)
  })

const withoutBatches = (database: Database): Database => ({
  ...database,
  dialect: { ...database.dialect, inList: undefined, updateMany: undefined }
})

const callsOf = (table: SessionTable): Effect.Effect<Primitives & Overrides> =>
  Effect.gen(function* () {
    const batched = yield* batchedCalls(table)
    const removeMany = removeWhere(table)
    const removeOne = remove(table)
    return {
      ...batched,
      // A text that is no id finds nothing, and the database may refuse it: it is not asked.
      find: (id) => (isId(id) ? batched.find(id) : Effect.succeedNone),
      insert: insert(table),
      insertMany: insertMany(table),
      remove: (id) => (isId(id) ? removeOne(id) : Effect.succeedNone),
      entries: entries(table),
      collect: collect(table),
      count: count(table),
      removeWhere: removeMany,
      revokeUser: revokeUser(table, removeMany),
      revokedWithin: yield* revokedWithin(table),
      addresses: Analytics.addresses(table),
      hourly: Analytics.hourly(table),
      usage: Analytics.usage(table)
    }
  })
