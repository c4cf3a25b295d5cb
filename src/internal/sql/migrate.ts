/** Brings the tables up to date, one server at a time, and checks that they are. */
import { SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Database } from "./database.js"
import { dialectOf, makeDatabase } from "./database.js"
import type { Dialect } from "./dialect.js"
import { failureOf } from "./failure.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { columns } from "./rows.js"
import { sqlite } from "./sqlite.js"
import type { TableNames } from "./tableNames.js"
import { makeTableNames } from "./tableNames.js"

/** A step of the schema. */
interface Migration {
  readonly id: number
  readonly name: string
  readonly statements: (dialect: Dialect, names: TableNames) => ReadonlyArray<string>
}

/** All migrations, oldest first. The names are those of the files in `migrations/`. */
export const migrations: ReadonlyArray<Migration> = [
  {
    id: 1,
    name: "create_sessions",
    statements: (dialect, names) => dialect.createSessions(names)
  }
]

/** The name of a migration as files and records have it: `0001_create_sessions`. */
export const fileName = ({ id, name }: Pick<Migration, "id" | "name">): string =>
  `${String(id).padStart(4, "0")}_${name}`

/** The migrations by name, for a migrator that records itself what has run. */
export const migrationsByName = (
  tableName: string
): Record<string, Effect.Effect<void, SqlError | SessionConfigError, SqlClient>> =>
  Object.fromEntries(
    migrations.map((migration) => [fileName(migration), runMigration(migration, tableName)])
  )

/** The dialects by their names in the files of `migrations/`. */
export const dialects = { postgres, mysql, sqlite } as const

/** The migrations of a table as scripts in one dialect, oldest first, for people who run SQL by hand. */
export const scripts = (dialect: Dialect, tableName: string) =>
  Effect.map(makeTableNames(dialect, tableName), (names) =>
    migrations.map((migration) => ({
      name: fileName(migration),
      text: migration
        .statements(dialect, names)
        .map((statement) => `${statement};\n`)
        .join("\n")
    }))
  )

const runMigration = (
  migration: Migration,
  tableName: string
): Effect.Effect<void, SqlError | SessionConfigError, SqlClient> =>
  Effect.gen(function* () {
    const client = yield* SqlClient
    const dialect = dialectOf(client)
    const names = yield* makeTableNames(dialect, tableName)
    yield* runStatements(client, migration.statements(dialect, names))
  })

/** Runs the migrations that have not run yet; succeeds with their names. */
export const migrate = (
  tableName: string
): Effect.Effect<ReadonlyArray<string>, SessionStoreError | SessionConfigError, SqlClient> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(yield* SqlClient)
    const names = yield* makeTableNames(database.dialect, tableName)
    const done = yield* database.endlessCall("migrate", exclusively(database, names))
    yield* checkTable(database, names)
    return done
  })

/** Fails if the tables are missing or lack columns, with a sentence that says what to do. */
export const checkTable = (
  database: Database,
  names: TableNames
): Effect.Effect<void, SessionStoreError | SessionConfigError> => {
  const probe = (selected: string, from: string) =>
    database.query(`select ${selected} from ${from} where 1 = 0`, [])
  const probes = Effect.zipRight(
    probe(`${columns.join(", ")}, expires_hour, row_id`, names.sessions),
    probe("namespace, user_id, except_id, revoked_at", names.revocations)
  )
  const told = Effect.catchAll(probes, (error): Effect.Effect<string | undefined, SqlError> => {
    const failure = failureOf(database.dialect, error)
    if (failure === "noTable") return Effect.succeed(missing(names))
    return failure === "noColumn" ? Effect.succeed(older(names)) : Effect.fail(error)
  })
  return Effect.flatMap(database.call("open", told), (reason) =>
    typeof reason === "string"
      ? Effect.fail(new SessionConfigError({ field: "table", reason }))
      : Effect.void
  )
}

const latest = (): string => fileName(migrations[migrations.length - 1] ?? { id: 0, name: "" })

const advice = () =>
  `Run the migration ${latest()}: with "npx effect-session migrate", with SqlSessionStore.migrate or layerMigrated, or from the package's folder migrations/.`

const missing = ({ name }: TableNames): string =>
  `is "${name}", but the database lacks that table or its "${name}_revocations". ${advice()}`

const older = ({ name }: TableNames): string =>
  `is "${name}", but that table is older than this version, or not made by this library: it lacks columns. ${advice()}`

/** Runs the missing migrations on one connection, while no other server does. */
const exclusively = (database: Database, names: TableNames) => {
  const { begin, lock, end, abort } = database.dialect.exclusion(names)
  const run = Effect.gen(function* () {
    if (lock !== undefined) yield* acquire(database, lock)
    const done = yield* runMissing(database, names)
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

const runMissing = (database: Database, names: TableNames) =>
  Effect.gen(function* () {
    yield* runStatements(database.client, [database.dialect.createMigrations(names)])
    const rows = yield* database.query(
      `select max(migration_id) as latest from ${names.migrations}`,
      []
    )
    const done = Number(rows[0]?.latest ?? 0)
    const due = migrations.filter(({ id }) => id > done)
    for (const migration of due) {
      yield* runStatements(database.client, migration.statements(database.dialect, names))
      yield* database.change(`insert into ${names.migrations} (migration_id, name) values (?, ?)`, [
        migration.id,
        migration.name
      ])
    }
    return due.map(fileName)
  })

const runStatements = (client: SqlClient, texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => client.unsafe(text).unprepared, { discard: true })
