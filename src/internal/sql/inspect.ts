/** What a database has of the store, and what it lacks: asked of the database itself, never of a record. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SessionConfigError, type SessionStoreError } from "../errors/errors.js"
import { type Database, makeDatabase } from "./database.js"
import type { Dialect, Row, Statements } from "./dialect.js"
import { makeTableNames, type TableKey, type TableNames } from "./tableNames.js"
import type { Index, Table } from "./tables.js"

/** Something of the store that a database lacks. */
export interface Lack {
  /** What it is, for people: `the table "sessions"`. */
  readonly what: string
  /** What makes it, if a migration can. */
  readonly migration?: {
    readonly id: 1 | 2
    readonly statements: ReadonlyArray<string>
  }
  /** What to do, where that is not to migrate. */
  readonly remedy?: string
  /** Whether the store works without it. */
  readonly isBearable: boolean
}

/** Asks a database what it lacks of these tables. */
export const lacksOf = (
  dialect: Dialect,
  { query }: Pick<Statements, "query">,
  names: TableNames,
  keys: ReadonlyArray<TableKey> = ["sessions", "revocations"]
): Effect.Effect<ReadonlyArray<Lack>, SqlError> => {
  const { text, parameters } = dialect.look(names)
  const tables = dialect.tables(names)
  return Effect.map(query(text, parameters), (rows) =>
    names.schema !== undefined && namesOf(rows, "schema").length === 0
      ? [lacksSchema(names.schema)]
      : keys.flatMap((key) => {
          const owner = names.plain[key]
          const own = rows.filter((row) => same(String(row.owner), owner))
          return lacksOfTable(owner, tables[key], own)
        })
  )
}

const lacksSchema = (schema: string): Lack => ({
  what: `the schema "${schema}"`,
  remedy: "Create the schema, then migrate.",
  isBearable: false
})

// Some databases keep the names of tables in small letters, and compare them so.
const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

const namesOf = (rows: ReadonlyArray<Row>, kind: string): ReadonlyArray<string> =>
  rows.filter((row) => row.kind === kind).map((row) => String(row.name))

const lacksOfTable = (
  name: string,
  { columns, create, indexes }: Table,
  rows: ReadonlyArray<Row>
): ReadonlyArray<Lack> => {
  const [kind] = namesOf(rows, "table")
  if (kind === undefined) {
    const apart = indexes.filter(({ isInTable }) => !isInTable).flatMap(({ create }) => create)
    const migration = { id: 1 as const, statements: [create, ...apart] }
    return [{ what: `the table "${name}"`, migration, isBearable: false }]
  }
  if (kind !== "table" && kind !== "partitioned table") {
    const remedy = `Rename or drop the ${kind}, or choose another name for the table of sessions; then migrate.`
    return [{ what: `the table "${name}": that name has a ${kind}`, remedy, isBearable: false }]
  }
  const present = namesOf(rows, "column").map((column) => column.toLowerCase())
  const absent = columns.filter((column) => !present.includes(column))
  if (absent.length > 0) {
    const what = `columns of the table "${name}": ${absent.join(", ")}`
    const remedy = `That table is not one of this library, or it was changed. Add the columns as ${fileNames[1]} in the package's folder migrations/ has them; or rename or drop the table, and migrate.`
    return [{ what, remedy, isBearable: false }]
  }
  return indexes
    .filter((index) => !serves(index, kind, rows))
    .map(({ columns, create, kind }) => ({
      what: `${keyWords[kind]} of the table "${name}" on (${columns})`,
      migration: { id: kind === "primary" ? (2 as const) : (1 as const), statements: create },
      isBearable: true
    }))
}

const keyWords = { primary: "the primary key", unique: "the unique key", index: "the index" }

const serves = ({ columns, kind }: Index, table: string, rows: ReadonlyArray<Row>): boolean => {
  const primary = namesOf(rows, "primary")
  const unique = [...primary, ...namesOf(rows, "unique")]
  switch (kind) {
    case "primary":
      return primary.length > 0
    case "unique":
      // In a partitioned table a key must have the columns that part it: the app sees to it that no id is there twice.
      return table === "partitioned table" || unique.includes(columns)
    case "index":
      return [...unique, ...namesOf(rows, "index")].some((has) =>
        `${has}, `.startsWith(`${columns}, `)
      )
  }
}

/** The sentence about what is missing, and what to do. */
export const lacking = (
  { name }: TableNames,
  lacks: ReadonlyArray<Lack>,
  advice = adviceFor(lacks)
): SessionConfigError =>
  new SessionConfigError({
    field: "table",
    reason: `is "${name}", but the database lacks ${lacks.map(({ what }) => what).join(", ")}. ${advice}`
  })

const adviceFor = (lacks: ReadonlyArray<Lack>): string => {
  const remedy = lacks.find(({ remedy }) => remedy !== undefined)?.remedy
  if (remedy !== undefined) return remedy
  const newest = lacks.some(({ migration }) => migration?.id === 2) ? 2 : 1
  return `Run the migration ${fileNames[newest]}: with "npx effect-session migrate", with SqlSessionStore.migrate or layerMigrated, or from the package's folder migrations/.`
}

/** The names of the migrations, as files and records have them. */
export const fileNames = { 1: "0001_create_sessions", 2: "0002_key_revocations" } as const

/**
 * Fails if the database lacks something that the store cannot work without, and warns if it lacks something else: an index, or
 * the key that an older version did not make.
 */
export const checkTables = (
  database: Database,
  names: TableNames
): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.flatMap(
    database.call("open", lacksOf(database.dialect, database, names)),
    (lacks): Effect.Effect<void, SessionConfigError> => {
      if (lacks.length === 0) return Effect.void
      const error = lacking(names, lacks)
      return lacks.every(({ isBearable }) => isBearable)
        ? Effect.logWarning(error.message)
        : Effect.fail(error)
    }
  )

/** Fails if the tables of that name lack anything, with a sentence that says what and what to do. */
export const inspectTable = (
  client: SqlClient,
  tableName: string
): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const database = yield* makeDatabase(client)
    const names = yield* makeTableNames(database.dialect, tableName)
    const lacks = yield* database.call("look", lacksOf(database.dialect, database, names))
    if (lacks.length > 0) yield* lacking(names, lacks)
  })

/** By how many milliseconds, at least, the database's clock differs from the clock of this process. */
export const inspectClock = (
  client: SqlClient
): Effect.Effect<number, SessionStoreError | SessionConfigError> =>
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
