/**
 * The calls that a request makes, each one statement: `find`, `insert`, and the writes `update`, `move` and `touch`; and
 * `remove`, which needs two, because MySQL returns no rows from a change.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Primitives } from "../store/contract.js"
import type { Database } from "./database.js"
import type { GivenRow, Row } from "./dialect.js"
import { failureOf } from "./failure.js"
import { entryColumns, toEntry, toRecord, valuesOf } from "./rows.js"
import { decoding, endNow, isLive, type SessionTable } from "./sessionTable.js"
import { columns } from "./tables.js"

/** A call of `find`, made at `now`. */
export interface Find {
  readonly id: string
  readonly now: number
}

type Call<In, Out> = (call: In) => Effect.Effect<Out, SessionStoreError>

/** Finds by id, and by previous id only if there is no such id, so that a hit costs one statement. */
export const find = ({
  database,
  names
}: SessionTable): Call<Find, Option.Option<SessionRecord>> => {
  const select = `select ${columns.join(", ")} from ${names.sessions}`
  const byId = `${select} where id = ? and ${isLive}`
  const byPreviousId = `${select} where previous_id = ? and previous_until > ? and ${isLive} limit 1`
  return ({ id, now }) =>
    database.call(
      "find",
      Effect.flatMap(database.query(byId, [id, now]), ([row]) =>
        row === undefined
          ? Effect.flatMap(database.query(byPreviousId, [id, now, now]), ([row]) => found(row))
          : found(row)
      )
    )
}

const found = (
  row: Row | undefined
): Effect.Effect<Option.Option<SessionRecord>, SessionStoreError> =>
  row === undefined
    ? Effect.succeedNone
    : decoding("find", () => Option.some(toRecord("find", row)))

/** Inserts, and never overwrites. */
export const insert = ({ database, names }: SessionTable): Primitives["insert"] => {
  const marks = columns.map(() => "?").join(", ")
  const text = `insert into ${names.sessions} (${columns.join(", ")}) values (${marks})${database.dialect.skipTaken}`
  return (record) =>
    database.call("insert", isWritten(database, database.change(text, valuesOf(record))))
}

/** The writes of a live row of one version, and the columns each gives: a move changes the id, a touch only goes forward. */
export const writes = {
  update: columns.slice(1),
  move: columns,
  touch: ["last_activity", "expires_at"]
} as const

/** Writes a live row of one version; tells whether there was such a row. */
export const write = (
  { database, names }: SessionTable,
  operation: keyof typeof writes
): Call<GivenRow, boolean> => {
  const { greatest } = database.dialect
  const set = writes[operation].map((column) =>
    operation === "touch" ? `${column} = ${greatest}(${column}, ?)` : `${column} = ?`
  )
  const text = `update ${names.sessions} set ${set.join(", ")} where id = ? and version = ? and ${isLive}`
  return ({ id, version, now, values }) =>
    database.call(
      operation,
      isWritten(database, database.change(text, [...values, id, version, now]))
    )
}

/** Ends the session with this id or previous id, and tells which live one it was. */
export const remove = (table: SessionTable): Primitives["remove"] => {
  const { database, names, keepEndedMillis } = table
  const isIt = "(id = ? or previous_id = ?)"
  const select = `select ${entryColumns(database.dialect)} from ${names.sessions} where ${isIt}`
  const drop = `delete from ${names.sessions} where ${isIt} and ended_at is null`
  const dropEnded = `delete from ${names.sessions} where id = ? and ended_at is not null`
  const keep = `${endNow(table)} where ${isIt} and ended_at is null`
  return (id) =>
    database.call(
      "remove",
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const rows = yield* database.query(select, [id, id])
        const row = rows.find((row) => row.id === id) ?? rows[0]
        if (row === undefined) return Option.none()
        const entry = yield* decoding("remove", () => toEntry("remove", row))
        const { endedAtMillis, expiresAtMillis } = entry
        const isDue = (endedAtMillis ?? Math.min(now, expiresAtMillis)) + keepEndedMillis <= now
        if (endedAtMillis !== null) {
          if (isDue) yield* database.change(dropEnded, [id])
          return Option.none()
        }
        // By the id that the caller gave, not by the one that was found: the session may have moved since.
        const changed = isDue
          ? yield* database.change(drop, [id, id])
          : yield* database.change(keep, [now, id, id])
        return changed > 0 && expiresAtMillis > now ? Option.some(entry) : Option.none()
      })
    )
}

/** True if a row was written; false if there was no such row or the key was taken. */
const isWritten = (
  { dialect }: Database,
  change: Effect.Effect<number, SqlError>
): Effect.Effect<boolean, SqlError> =>
  Effect.matchEffect(change, {
    onSuccess: (count) => Effect.succeed(count > 0),
    onFailure: (error) =>
      failureOf(dialect, error) === "duplicate" ? Effect.succeed(false) : Effect.fail(error)
  })
