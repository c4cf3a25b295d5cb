/**
 * The calls a request makes, each one statement: `find`, `insert`, `update`, `move`, `touch`; and `remove`, which needs two,
 * because MySQL returns no rows from a change.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionEntry, SessionRecord } from "../../core/record/record.js"
import { SessionStoreError } from "../errors/errors.js"
import type { Primitives } from "../store/contract.js"
import type { Database } from "./database.js"
import type { Row } from "./dialect.js"
import { failureOf } from "./failure.js"
import { columns, summaryColumns, toRecord, toSummary, valuesOf } from "./rows.js"
import type { Table } from "./table.js"

/** One session table in one database. */
export interface Place {
  readonly database: Database
  readonly table: Table
  readonly keepEndedMillis: number
}

/** The condition of a live row; its parameter is now. */
export const isLive = "expires_at > ? and ended_at is null"

/** What ends a live or expired row that is kept; its parameter is now. */
export const ending = ({ database: { dialect } }: Place): string =>
  `set ended_at = ${dialect.least}(?, expires_at), payload = '', previous_id = null, previous_kind = null, previous_until = null, previous_token = null`

/** A call of `find`, made at `now`. */
export interface Find {
  readonly id: string
  readonly now: number
}

/** A call of `update` or `move` for the row that has this id and this version at `now`. */
export interface Replace extends Find {
  readonly record: SessionRecord
  readonly version: number
}

/** A call of `touch`, made at `now`. */
export interface Touch extends Find {
  readonly version: number
  readonly lastActivityMillis: number
  readonly expiresAtMillis: number
}

type Call<In, Out> = (call: In) => Effect.Effect<Out, SessionStoreError>

/** Finds by id, and only on a miss by the previous id, so that a hit costs one statement. */
export const find = ({ database, table }: Place): Call<Find, Option.Option<SessionRecord>> => {
  const select = `select ${columns.join(", ")} from ${table.sessions}`
  const byId = `${select} where id = ? and ${isLive}`
  const byPrevious = `${select} where previous_id = ? and previous_until > ? and ${isLive} limit 1`
  return ({ id, now }) =>
    database.call(
      "find",
      Effect.gen(function* () {
        const found = (yield* database.query(byId, [id, now]))[0]
        if (found !== undefined) return Option.some(yield* record("find", found))
        const moved = (yield* database.query(byPrevious, [id, now, now]))[0]
        return moved === undefined ? Option.none() : Option.some(yield* record("find", moved))
      })
    )
}

/** Inserts, and never overwrites. */
export const insert = ({ database, table }: Place): Primitives["insert"] => {
  const marks = columns.map(() => "?").join(", ")
  const text = `insert into ${table.sessions} (${columns.join(", ")}) values (${marks})${database.dialect.skipTaken}`
  return (record) =>
    database.call("insert", isWritten(database, database.change(text, valuesOf(record))))
}

/** The columns `update` replaces: all but the id. */
export const updated = columns.slice(1)

/** Replaces a live row of one version. */
export const update = ({ database, table }: Place): Call<Replace, boolean> => {
  const text = replacing(table, updated)
  return ({ id, record, version, now }) => {
    const values = valuesOf(record).slice(1)
    return database.call(
      "update",
      isWritten(database, database.change(text, [...values, id, version, now]))
    )
  }
}

/** Replaces a live row of one version, its id too: one statement re-keys the row in every dialect. */
export const move = ({ database, table }: Place): Call<Replace, boolean> => {
  const text = replacing(table, columns)
  return ({ id, record, version, now }) =>
    database.call(
      "move",
      isWritten(database, database.change(text, [...valuesOf(record), id, version, now]))
    )
}

/** The columns `touch` moves forward. */
export const touched = ["last_activity", "expires_at"]

/** Moves activity and expiry forward; succeeds with whether there was such a row. */
export const touch = ({ database, table }: Place): Call<Touch, boolean> => {
  const { greatest } = database.dialect
  const text = `update ${table.sessions} set last_activity = ${greatest}(last_activity, ?), expires_at = ${greatest}(expires_at, ?) where id = ? and version = ? and ${isLive}`
  return ({ id, version, lastActivityMillis, expiresAtMillis, now }) =>
    database.call(
      "touch",
      isWritten(
        database,
        database.change(text, [lastActivityMillis, expiresAtMillis, id, version, now])
      )
    )
}

/** Ends the session of an id or a previous id, and tells which live one it was. */
export const remove = (place: Place): Primitives["remove"] => {
  const { database, table, keepEndedMillis } = place
  const isIt = "(id = ? or previous_id = ?)"
  const select = `select ${summaryColumns(database.dialect)} from ${table.sessions} where ${isIt}`
  const drop = `delete from ${table.sessions} where ${isIt} and ended_at is null`
  const dropEnded = `delete from ${table.sessions} where id = ? and ended_at is not null`
  const keep = `update ${table.sessions} ${ending(place)} where ${isIt} and ended_at is null`
  return (id) =>
    database.call(
      "remove",
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const rows = yield* database.query(select, [id, id])
        const first = rows.find((row) => row.id === id) ?? rows[0]
        if (first === undefined) return Option.none()
        const summary = yield* summarized("remove", first)
        const endedAt = summary.endedAtMillis ?? Math.min(now, summary.expiresAtMillis)
        const isDue = endedAt + keepEndedMillis <= now
        if (summary.endedAtMillis !== null) {
          if (isDue) yield* database.change(dropEnded, [id])
          return Option.none()
        }
        // By the id that was asked for, not by the one that was found: it may have moved once more meanwhile.
        const changed = isDue
          ? yield* database.change(drop, [id, id])
          : yield* database.change(keep, [now, id, id])
        return changed > 0 && summary.expiresAtMillis > now ? Option.some(summary) : Option.none()
      })
    )
}

const replacing = (table: Table, replaced: ReadonlyArray<string>): string =>
  `update ${table.sessions} set ${replaced.map((column) => `${column} = ?`).join(", ")} where id = ? and version = ? and ${isLive}`

/** True when a row was written; false when none was or the key was taken. */
const isWritten = (
  { dialect }: Database,
  change: Effect.Effect<number, SqlError>
): Effect.Effect<boolean, SqlError> =>
  change.pipe(
    Effect.map((count) => count > 0),
    Effect.catchIf(
      (error) => failureOf(dialect, error) === "duplicate",
      () => Effect.succeed(false)
    )
  )

const record = (operation: string, row: Row): Effect.Effect<SessionRecord, SessionStoreError> =>
  decoding(operation, () => toRecord(operation, row))

const summarized = (operation: string, row: Row): Effect.Effect<SessionEntry, SessionStoreError> =>
  decoding(operation, () => toSummary(operation, row))

/** Catches what the reading of rows throws. */
export const decoding = <A>(
  operation: string,
  read: () => A
): Effect.Effect<A, SessionStoreError> =>
  Effect.try({
    try: read,
    catch: (cause) =>
      cause instanceof SessionStoreError
        ? cause
        : new SessionStoreError({ operation, reason: "corrupt" })
  })
