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

/** A parameter of a statement. */
export type Parameter = string | number | null

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

/** A change of at most `limit` of the rows that `condition` matches. */
export interface SomeRows {
  /** `delete from ...` or `update ... set ...`, without parameters. */
  readonly change: string
  readonly table: string
  readonly condition: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly limit: number
}

/** Statements around a migration, so that only one runs at a time. */
export interface Exclusion {
  readonly begin: string
  /** Waits for the lock; a column `locked` that is not 1 tells that it was not to be had. */
  readonly lock?: string
  readonly end: string
  readonly abort: string
}

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
  /** Milliseconds of the database's own clock. */
  readonly nowMillis: string
  /** Reads the number of matching rows from the driver's answer to a change. */
  readonly affected: (answer: unknown) => number
  readonly classify: (failure: DriverFailure) => Failure
  /** Changes some rows without waiting for another server that does the same, where the database can. */
  readonly changeSome: (
    statements: Statements,
    rows: SomeRows
  ) => Effect.Effect<number, SqlError.SqlError>
  /** The statements of the migration `0001_create_sessions`. Each may be run again. */
  readonly createSessions: (table: Table) => ReadonlyArray<string>
  readonly createMigrations: (table: Table) => string
  readonly exclusion: (table: Table) => Exclusion
}

/** The width of `expires_slot`, in milliseconds: expiries are indexed by half hours. */
export const slotMillis = 1_800_000

/** The column `property` of what a driver returned, if it is a number. */
export const numberAt = (answer: unknown, property: string): number => {
  if (typeof answer !== "object" || answer === null) return 0
  return Number(Reflect.get(answer, property) ?? 0)
}
