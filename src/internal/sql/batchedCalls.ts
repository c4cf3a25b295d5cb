/**
 * The calls that concurrent requests share: `find`, `update`, `move` and `touch`, each in one statement with others of its
 * kind, if the dialect has such a statement.
 *
 * The caller reads the time, and the call carries it, because a batch runs in no caller's context.
 */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import { withNow } from "../effect/fiber.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Primitives, Service } from "../store/contract.js"
import * as Batcher from "./batcher.js"
import type { GivenRow, InList, Row, UpdateMany } from "./dialect.js"
import { toRecord, valuesOf } from "./rows.js"
import * as Sessions from "./sessions.js"
import { isLive, type SessionTable } from "./sessionTable.js"
import { columns } from "./tables.js"

/** The calls of a table that share statements. */
export interface BatchedCalls extends Pick<Primitives, "find" | "update" | "move"> {
  readonly touch: Service["touch"]
}

/** Makes the calls of a table. */
export const batchedCalls = (table: SessionTable): Effect.Effect<BatchedCalls> =>
  Effect.gen(function* () {
    const { inList, updateMany } = table.database.dialect
    const write = (operation: keyof typeof Sessions.writes) =>
      batched(
        byId,
        Sessions.write(table, operation),
        updateMany && writeMany(table, updateMany, operation)
      )
    const find = yield* batched(byId, Sessions.find(table), inList && findMany(table, inList))
    const update = yield* write("update")
    const move = yield* write("move")
    const touch = yield* write("touch")
    return {
      find: (id) => withNow((now) => find({ id, now })),
      update: (record, version) =>
        withNow((now) =>
          update({ id: record.id, version, now, values: valuesOf(record).slice(1) })
        ),
      move: (id, record, version) =>
        withNow((now) => move({ id, version, now, values: valuesOf(record) })),
      touch: (id, version, lastActivityMillis, expiresAtMillis) =>
        withNow((now) => touch({ id, version, now, values: [lastActivityMillis, expiresAtMillis] }))
    }
  })

const byId = ({ id }: Sessions.Find): string => id

/** How several calls are made by one statement. */
export type Many<Call, Answer> = Pick<
  Batcher.Options<Call, Answer, SessionStoreError>,
  "batch" | "allowsSameKey" | "inFlight"
>

/** Makes the function that runs a call, alone or with others; always alone if there is no statement for many. */
export const batched = <Call, Answer>(
  key: (call: Call) => string,
  single: (call: Call) => Effect.Effect<Answer, SessionStoreError>,
  many: Many<Call, Answer> | undefined
): Effect.Effect<(call: Call) => Effect.Effect<Answer, SessionStoreError>> =>
  many === undefined
    ? Effect.succeed(single)
    : Batcher.make({ ...many, single, key, retriesSingly })

// A database that is away or slow would only get 64 statements instead of one. Any other failure answers a statement that
// the database undid. Should it not have undone an update, the second run misses, because the version has moved on; the
// commit then reads the row and knows it by its commit id.
const retriesSingly = ({ reason }: SessionStoreError): boolean =>
  reason !== "unavailable" && reason !== "timeout"

/** Finds by ids, then by previous ids what is missing: as many statements for all as for one. */
const findMany = (
  { database, names }: SessionTable,
  inList: InList
): Many<Sessions.Find, Option.Option<SessionRecord>> => {
  const select = `select ${columns.join(", ")} from ${names.sessions} where ${isLive} and `
  return {
    allowsSameKey: true,
    inFlight: 2,
    batch: (calls) =>
      database.call(
        "find",
        Effect.gen(function* () {
          // The earliest time, so that the rows of every call are there; each call judges the expiry by its own.
          const now = Math.min(...calls.map((call) => call.now))
          const ids = [...new Set(calls.map(byId))]
          const isOne = inList("id", ids)
          const rows = new FoundRows()
          rows.add(yield* database.query(select + isOne.text, [now, ...isOne.parameters]))
          const missing = ids.filter((id) => !rows.has(id))
          if (missing.length > 0) {
            const wasOne = inList("previous_id", missing)
            const text = `${select}previous_until > ? and ${wasOne.text}`
            rows.add(yield* database.query(text, [now, now, ...wasOne.parameters]))
          }
          return calls.map((call) => rows.answer(call))
        })
      )
  }
}

/** The rows that a batch has found, by the ids they are asked for. */
class FoundRows {
  private readonly byId = new Map<string, SessionRecord>()
  private readonly byPreviousId = new Map<string, SessionRecord>()
  private someUnreadable = false

  add(rows: ReadonlyArray<Row>): void {
    for (const row of rows) {
      try {
        const record = toRecord("find", row)
        this.byId.set(record.id, record)
        if (record.previous !== null) this.byPreviousId.set(record.previous.id, record)
      } catch {
        this.someUnreadable = true
      }
    }
  }

  has(id: string): boolean {
    return this.byId.has(id)
  }

  /** `undefined` if the row may be one that cannot be read: only its own caller shall hear of that. */
  answer({ id, now }: Sessions.Find): Option.Option<SessionRecord> | undefined {
    const record = this.byId.get(id) ?? this.byPreviousId.get(id)
    if (record === undefined) return this.someUnreadable ? undefined : Option.none()
    const isInTime = record.id === id || (record.previous?.untilMillis ?? 0) > now
    return isInTime && record.expiresAtMillis > now ? Option.some(record) : Option.none()
  }
}

/** Writes rows by one statement. One at a time: it costs the database more than its rows, and so brings more of them together. */
const writeMany = (
  { database, names }: SessionTable,
  updateMany: UpdateMany,
  operation: keyof typeof Sessions.writes
): Many<GivenRow, boolean> => {
  const isTouch = operation === "touch"
  const given = Sessions.writes[operation]
  const set = given.map((column) =>
    isTouch
      ? `${column} = greatest(session.${column}, given.new_${column})`
      : `${column} = given.new_${column}`
  )
  const change = updateMany(database, { table: names.sessions, set, given })
  return {
    allowsSameKey: false,
    inFlight: 1,
    batch: (rows) =>
      // Why a row was not changed (gone, newer, or only locked) its own statement finds out. A row that somebody else is
      // writing at this moment needs no touch.
      Effect.map(database.call(operation, change(rows)), (changed) =>
        rows.map(({ id }) => changed.has(id) || (isTouch ? false : undefined))
      )
  }
}
