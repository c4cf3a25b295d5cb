/** Puts the calls of the SQL store together. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isId } from "../../core/record/token.js"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import { make as makeStore } from "../store/make.js"
import * as Analytics from "./analytics.js"
import { together } from "./batched.js"
import { collect } from "./collect.js"
import { makeDatabase } from "./database.js"
import { count, entries, removeWhere } from "./listing.js"
import { checkTable } from "./migrate.js"
import { revokedWithin, revokeUser } from "./revocations.js"
import { insert, type Place, remove } from "./sessions.js"
import { makeTable } from "./table.js"

/** How a store is opened. */
export interface Opening {
  readonly table: string
  readonly keepEnded: Duration.DurationInput
  /** Whether concurrent calls share statements. Off only to measure what that saves. */
  readonly coalesces: boolean
}

/** Opens the store of a client; fails when its tables are missing or older than this version. */
export const openStore = (
  client: SqlClient,
  opening: Opening
): Effect.Effect<Service, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(client)
    const table = yield* makeTable(database.dialect, opening.table)
    yield* checkTable(database, table)
    const place = { database, table, keepEndedMillis: Duration.toMillis(opening.keepEnded) }
    return makeStore(yield* callsOf(place, opening), opening)
  })

const callsOf = (place: Place, opening: Opening): Effect.Effect<Primitives & Overrides> =>
  Effect.map(together(place, opening), (shared) => {
    const ends = removeWhere(place)
    const removes = remove(place)
    return {
      ...shared,
      // What is no id is nobody's, and the database is not asked: it may refuse the text itself.
      find: (id) => (isId(id) ? shared.find(id) : Effect.succeedNone),
      insert: insert(place),
      remove: (id) => (isId(id) ? removes(id) : Effect.succeedNone),
      entries: entries(place),
      collect: collect(place),
      count: count(place),
      removeWhere: ends,
      revokeUser: revokeUser(place, ends),
      revokedWithin: revokedWithin(place),
      addresses: Analytics.addresses(place),
      hourly: Analytics.hourly(place),
      usage: Analytics.usage(place)
    }
  })
