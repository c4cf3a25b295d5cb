/**
 * What differs between the databases, behind one interface. The rest of the store is the same SQL for all three.
 *
 * Statements are written with `?` for a parameter; `native` turns them into what the driver takes.
 */
import type * as SqlError from "@effect/sql/SqlError"
import type * as Effect from "effect/Effect"
import type { Naming, TableKey, TableNames } from "./tableNames.js"
import type { Table } from "./tables.js"

/** What a failure of the driver means. The first five are the reasons of `SessionStoreError`. */
export type Failure =
  | "unavailable"
  | "timeout"
  | "corrupt"
  | "tooLarge"
  | "unknown"
  /** The key is taken. */
  | "duplicate"
  /** The database undid the statement because of another one; it may be sent again. */
  | "deadlock"
  /** The table does not exist. */
  | "noTable"
  /** An index of the table has that name already. */
  | "nameTaken"

/** What a driver says of a failure. */
export interface DriverFailure {
  readonly code: string
  readonly message: string
}

/** A value of a column. */
export type Value = string | number | null

/** A parameter of a statement; a list only where the database takes one. */
export type Parameter = Value | ReadonlyArray<Value>

/** A row as a driver returns it. */
export type Row = Readonly<Record<string, unknown>>

/** How a dialect sends statements; their text is as it was before `native`. */
export interface Statements {
  readonly query: (
    text: string,
    parameters: ReadonlyArray<Parameter>
  ) => Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>
  /** Succeeds with the number of rows that matched. */
  readonly change: (
    text: string,
    parameters: ReadonlyArray<Parameter>
  ) => Effect.Effect<number, SqlError.SqlError>
}

/** A part of a `where` clause with its parameters. */
export interface Condition {
  readonly text: string
  readonly parameters: ReadonlyArray<Parameter>
}

/** Makes a condition. */
export const where = (text: string, ...parameters: ReadonlyArray<Parameter>): Condition => ({
  text,
  parameters
})

/** A change of at most `limit` rows that a condition matches. */
export interface SomeRows {
  /** `delete from ...` or `update ... set ...`, without parameters. */
  readonly change: string
  readonly table: string
  readonly condition: Condition
  /**
   * The columns of the index that finds the rows; the condition fixes all but the last. Without an order the database might
   * read a whole large table for few rows.
   */
  readonly order: ReadonlyArray<string>
  readonly limit: number
}

/** The outcome of such a change. */
export interface Changed {
  readonly count: number
  /** The highest `row_id` among them. */
  readonly lastRowId: number
}

/** The statements around a migration, so that only one runs at a time. */
export interface Exclusion {
  readonly begin: string
  /** Waits for the lock; if it answers with a column `locked`, 1 means that the lock was obtained. */
  readonly lock?: string
  readonly end: string
  readonly abort: string
}

/** The condition that a column has one of these values. */
export type InList = (column: string, values: ReadonlyArray<string>) => Condition

/** An update of several rows, each with values of its own. */
export interface ManyRows {
  readonly table: string
  /** Assignments; `session` is the row, and `given.new_<column>` a value that is given for it. */
  readonly set: ReadonlyArray<string>
  /** The columns that values are given for. */
  readonly given: ReadonlyArray<string>
}

/** One of them: which row it is, and the values for it. */
export interface GivenRow {
  readonly id: string
  readonly version: number
  readonly now: number
  readonly values: ReadonlyArray<Value>
}

/**
 * Makes the update of each row that is live at its `now` and has its `version`; the update succeeds with the ids of the rows
 * it changed. It waits for nobody: it passes over a row that is locked.
 */
export type UpdateMany = (
  statements: Statements,
  update: ManyRows
) => (rows: ReadonlyArray<GivenRow>) => Effect.Effect<ReadonlySet<string>, SqlError.SqlError>

/** One database. */
export interface Dialect extends Naming {
  readonly name: "postgres" | "mysql" | "sqlite"
  readonly native: (text: string) => string
  /** Whether one connection serves everything, so that nothing can run beside a transaction of the same client. */
  readonly hasOneConnection: boolean
  /** The clause that makes an `insert` skip a key that is taken; empty if only a failure tells that it is. */
  readonly skipTaken: string
  readonly greatest: string
  readonly least: string
  /** The length of a text column in bytes of UTF-8. */
  readonly byteLength: (column: string) => string
  /**
   * A clause behind the table where rows are read page by page in the order of `row_id`. For a database that would otherwise
   * find all rows by another index and sort them, once a page.
   */
  readonly inOrder: string
  /** The database's clock, in milliseconds since the epoch. */
  readonly nowMillis: string
  readonly classify: (failure: DriverFailure) => Failure
  /** Changes some rows; if the database can, without waiting for another server that does the same. */
  readonly changeSome: (
    statements: Statements,
    rows: SomeRows
  ) => Effect.Effect<Changed, SqlError.SqlError>
  /** `undefined` if concurrent reads do not share a statement. */
  readonly inList: InList | undefined
  /** `undefined` if concurrent writes do not share a statement. */
  readonly updateMany: UpdateMany | undefined
  /** What the migrations make. */
  readonly tables: (names: TableNames) => Readonly<Record<TableKey, Table>>
  /**
   * The query for what there is under these names: rows with `kind`, `owner` and `name`. The kinds are `table` (the name is
   * what it really is: `table`, `partitioned table`, `view`, ...), `column`, the keys and indexes (the name has the columns),
   * and `schema`. The owner is the plain name of a table.
   */
  readonly look: (names: TableNames) => Condition
  /**
   * The query for what cannot keep every text: rows with a sentence's part `unfit`. `text` is one that the connection is tried
   * with. And what to do about it.
   */
  readonly unfit: (
    names: TableNames,
    text: string
  ) => { readonly query: Condition; readonly advice: string }
  readonly exclusion: (names: TableNames) => Exclusion
}

/** The width of `expires_hour`, in milliseconds: expiries are indexed by hours. */
export const hourMillis = 3_600_000

/** The outcome of a change with `returning row_id`. */
export const changedOf = (rows: ReadonlyArray<Row>): Changed => ({
  count: rows.length,
  lastRowId: rows.reduce((highest, row) => Math.max(highest, Number(row.row_id)), 0)
})

/** The names under which pg, mysql2, better-sqlite3 and libSQL give the number of rows that a change matched. */
const countNames = ["rowCount", "affectedRows", "changes", "rowsAffected"]

/** The number of rows that a change matched, from a driver's answer; `undefined` if the answer has none. */
export const countOf = (answer: unknown): number | undefined => {
  if (typeof answer !== "object" || answer === null) return undefined
  for (const name of countNames) {
    const count: unknown = Reflect.get(answer, name)
    if (typeof count === "number" || typeof count === "bigint") return Number(count)
  }
  return undefined
}
