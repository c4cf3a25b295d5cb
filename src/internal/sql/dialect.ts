/**
 * What differs between the databases, behind one interface. Everything else of the store is the same SQL for all three.
 *
 * Statements are written with `?` for a parameter; `native` turns them into what the driver takes.
 */
import type * as SqlError from "@effect/sql/SqlError"
import type * as Effect from "effect/Effect"
import type { Table } from "./table.js"

/** What a failure of the driver means. The first five are the reasons of `SessionStoreError`. */
export type Failure =
  | "unavailable"
  | "timeout"
  | "corrupt"
  | "tooLarge"
  | "unknown"
  /** The key is taken. */
  | "duplicate"
  /** The database undid the statement because of another one; it may simply be repeated. */
  | "deadlock"
  /** The table does not exist. */
  | "noTable"
  /** The table lacks a column. */
  | "noColumn"

/** What the drivers tell about a failure. */
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

/** The statements a dialect may send; `native` was not yet applied to their text. */
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

/** A change of at most `limit` of the rows that a condition matches. */
export interface SomeRows {
  /** `delete from ...` or `update ... set ...`, without parameters. */
  readonly change: string
  readonly table: string
  readonly condition: Condition
  /**
   * The columns of the index that finds the rows: without an order, few rows in a large table would mean to read it all. All
   * but the last are constant in the condition.
   */
  readonly order: ReadonlyArray<string>
  readonly limit: number
}

/** What became of it. */
export interface Changed {
  readonly count: number
  /** The highest `row_id` among them. */
  readonly lastRowId: number
}

/** Statements around a migration, so that only one runs at a time. */
export interface Exclusion {
  readonly begin: string
  /** Waits for the lock; a column `locked` that is not 1 tells that it was not to be had. */
  readonly lock?: string
  readonly end: string
  readonly abort: string
}

/** The condition that a column has one of these values. */
export type IsOneOf = (
  column: string,
  values: ReadonlyArray<string>
) => { readonly text: string; readonly parameters: ReadonlyArray<Parameter> }

/** What is done to the rows of several calls. */
export interface EachRow {
  readonly table: string
  /** Columns and what they become, in words of the row, `session`, and of what the call gave, `given.new_<column>`. */
  readonly set: ReadonlyArray<readonly [column: string, expression: string]>
  /** The columns whose values the calls give. */
  readonly given: ReadonlyArray<string>
  readonly rows: ReadonlyArray<{
    readonly id: string
    readonly version: number
    readonly now: number
    readonly values: ReadonlyArray<Value>
  }>
}

/**
 * Changes each row that is live and has the version its call expects; succeeds with the ids of those that were changed.
 * Waits for nobody: a row that is locked is left out.
 */
export type ChangeEach = (
  statements: Statements,
  change: EachRow
) => Effect.Effect<ReadonlySet<string>, SqlError.SqlError>

/** One database. */
export interface Dialect {
  readonly name: "postgres" | "mysql" | "sqlite"
  readonly native: (text: string) => string
  readonly quote: (identifier: string) => string
  /** Whether a table may be named with its schema (or database): `schema.table`. */
  readonly takesSchema: boolean
  /** Whether one connection serves everything, so that nothing can run beside a transaction of the same client. */
  readonly hasOneConnection: boolean
  /** What makes an `insert` skip a key that is taken; empty where that must be told from the failure. */
  readonly skipTaken: string
  readonly greatest: string
  readonly least: string
  /** The length of a text column in bytes of UTF-8. */
  readonly byteLength: (column: string) => string
  /**
   * Stands behind the table where rows are read in the order of `row_id`, a page at a time, for a database that would
   * rather find them all by another index and sort them, for each page again.
   */
  readonly inOrder: string
  /** Milliseconds of the database's own clock. */
  readonly nowMillis: string
  /** The names under which drivers tell the number of rows that a change matched. */
  readonly countNames: ReadonlyArray<string>
  readonly classify: (failure: DriverFailure) => Failure
  /** Changes some rows without waiting for another server that does the same, where the database can. */
  readonly changeSome: (
    statements: Statements,
    rows: SomeRows
  ) => Effect.Effect<Changed, SqlError.SqlError>
  /** Absent where concurrent finds do not share a statement. */
  readonly isOneOf: IsOneOf | undefined
  /** Absent where concurrent writes do not share a statement. */
  readonly changeEach: ChangeEach | undefined
  /** The statements of the migration `0001_create_sessions`. Each may be run again. */
  readonly createSessions: (table: Table) => ReadonlyArray<string>
  readonly createMigrations: (table: Table) => string
  readonly exclusion: (table: Table) => Exclusion
}

/** The width of `expires_hour`, in milliseconds: expiries are indexed by hours. */
export const hourMillis = 3_600_000

/** Reads the rows that `returning row_id` gave. */
export const changedOf = (rows: ReadonlyArray<Row>): Changed => ({
  count: rows.length,
  lastRowId: rows.reduce((highest, row) => Math.max(highest, Number(row.row_id)), 0)
})

/** Reads the number of rows that a change matched from a driver's answer; `undefined` where it tells none. */
export const countOf = (answer: unknown, names: ReadonlyArray<string>): number | undefined => {
  if (typeof answer !== "object" || answer === null) return undefined
  for (const name of names) {
    const count: unknown = Reflect.get(answer, name)
    if (typeof count === "number" || typeof count === "bigint") return Number(count)
  }
  return undefined
}
