/** Brings the tables up to date, one server at a time. */
import { SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { type Database, dialectOf, makeDatabase, statementsOf } from "./database.js"
import type { Dialect, Failure, Statements } from "./dialect.js"
import { failureOf } from "./failure.js"
import { fileNames, lacking, lacksOf } from "./inspect.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { sqlite } from "./sqlite.js"
import { makeTableNames, type TableKey, type TableNames } from "./tableNames.js"

/** The migrations, oldest first. */
const ids = [1, 2] as const
type Id = (typeof ids)[number]

/** The dialects by their names in the files of `migrations/`. */
export const dialects = { postgres, mysql, sqlite } as const

/** The migrations of a table as scripts in one dialect, oldest first, for people who run SQL by hand. */
export const scripts = (dialect: Dialect, tableName: string) =>
  Effect.map(makeTableNames(dialect, tableName), (names) => {
    const { revocations, sessions } = dialect.tables(names)
    const tables = [sessions, revocations]
    const statements = {
      1: tables.flatMap(({ create, indexes }) => [
        create,
        ...indexes.filter(({ isInTable }) => !isInTable).flatMap((index) => index.create)
      ]),
      2: revocations.indexes
        .filter(({ kind }) => kind === "primary")
        .flatMap(({ create }) => create)
    }
    return ids.map((id) => ({
      name: fileNames[id],
      text: statements[id].map((statement) => `${statement};\n`).join("\n")
    }))
  })

/** The migrations by name, for a migrator that records itself what has run. */
export const migrationsByName = (
  tableName: string
): Record<string, Effect.Effect<void, SqlError | SessionConfigError, SqlClient>> =>
  Object.fromEntries(
    ids.map((id) => [
      fileNames[id],
      Effect.gen(function* () {
        const client = yield* SqlClient
        const dialect = yield* dialectOf(client)
        const names = yield* makeTableNames(dialect, tableName)
        const database = { client, dialect, ...statementsOf(client, dialect) }
        yield* makeMissing(database, names, ["sessions", "revocations"], [id])
      })
    ])
  )

/** Brings the tables up to date; succeeds with the names of the migrations that had something to do. */
export const migrate = (
  tableName: string
): Effect.Effect<ReadonlyArray<string>, SessionStoreError | SessionConfigError, SqlClient> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(yield* SqlClient)
    const names = yield* makeTableNames(database.dialect, tableName)
    return yield* database.endlessCall("migrate", exclusively(database, names))
  })

/** Migrates on one connection, while no other server does. */
const exclusively = (database: Database, names: TableNames) => {
  const { begin, lock, end, abort } = database.dialect.exclusion(names)
  const run = Effect.gen(function* () {
    if (lock !== undefined) yield* acquire(database, lock)
    const done = yield* makeAndRecord(database, names)
    yield* database.query(end, [])
    return done
  })
  return Effect.scoped(
    Effect.flatMap(database.client.reserve, (connection) =>
      Effect.provideService(
        Effect.acquireUseRelease(
          database.query(begin, []),
          () => run,
          (_, exit) =>
            Exit.isSuccess(exit) ? Effect.void : Effect.ignore(database.query(abort, []))
        ),
        TransactionConnection,
        [connection, 0]
      )
    )
  )
}

const acquire = (database: Database, lock: string) =>
  Effect.flatMap(database.query(lock, []), (rows) => {
    const locked = rows[0]?.locked
    return locked === undefined || Number(locked) === 1
      ? Effect.void
      : Effect.fail(new SessionStoreError({ operation: "migrate", reason: "timeout" }))
  })

/** Makes what is missing, whatever is recorded, and records it once it is there. */
const makeAndRecord = (database: Database, names: TableNames) =>
  Effect.gen(function* () {
    yield* makeMissing(database, names, ["migrations"], ids)
    const rows = yield* database.query(`select migration_id from ${names.migrations}`, [])
    const recorded = new Set(rows.map((row) => Number(row.migration_id)))
    const made = yield* makeMissing(database, names, ["sessions", "revocations"], ids)
    for (const id of ids.filter((id) => !recorded.has(id))) {
      yield* database.change(`insert into ${names.migrations} (migration_id, name) values (?, ?)`, [
        id,
        fileNames[id].slice(5)
      ])
    }
    return ids.filter((id) => !recorded.has(id) || made.has(id)).map((id) => fileNames[id])
  })

/** Makes what the database lacks of some migrations; succeeds with those that had something to do. */
const makeMissing = (
  database: Pick<Database, "client" | "dialect"> & Statements,
  names: TableNames,
  keys: ReadonlyArray<TableKey>,
  asked: ReadonlyArray<Id>
): Effect.Effect<ReadonlySet<Id>, SqlError | SessionConfigError> =>
  Effect.gen(function* () {
    const { client, dialect } = database
    const look = Effect.map(lacksOf(dialect, database, names, keys), (lacks) =>
      lacks.filter(({ migration }) => migration === undefined || asked.includes(migration.id))
    )
    const lacks = yield* look
    const wrong = lacks.filter(({ migration }) => migration === undefined)
    if (wrong.length > 0) return yield* lacking(names, wrong)
    for (const text of lacks.flatMap(({ migration }) => migration?.statements ?? [])) {
      yield* Effect.mapError(client.unsafe(text).unprepared, (error) => {
        const advice = inTheWay[failureOf(dialect, error)]
        return advice === undefined ? error : lacking(names, lacks, advice)
      })
    }
    const left = yield* look
    if (left.length > 0) return yield* lacking(names, left, inTheWay.nameTaken)
    return new Set(lacks.flatMap(({ migration }) => (migration ? [migration.id] : [])))
  })

const inTheWay: { readonly [failure in Failure]?: string } & { readonly nameTaken: string } = {
  nameTaken:
    "Its name belongs to something else, to an index of another table, with other columns or not valid. Rename or drop that, then migrate.",
  noTable: "It has no schema for a table that is named without one. Create one, then migrate."
}
