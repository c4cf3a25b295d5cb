/**
 * The calls that concurrent requests share: `find`, `update`, `move` and `touch`, each with others of its kind in one statement
 * where the dialect has one for it.
 *
 * The time is read by the caller and goes with the call, because a batch runs in nobody's surroundings.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Primitives, Service } from "../store/contract.js"
import * as Coalesce from "./batcher.js"
import type { ChangeEach, IsOneOf, Row } from "./dialect.js"
import { columns, toRecord, valuesOf } from "./rows.js"
import * as Sessions from "./sessions.js"
import {
  type Find,
  isLive,
  type Place,
  type Replace,
  type Touch,
  touched,
  updated
} from "./sessions.js"

/** The calls that are shared. */
export interface Together {
  readonly find: Primitives["find"]
  readonly update: Primitives["update"]
  readonly move: Primitives["move"]
  readonly touch: Service["touch"]
}

/** Makes the calls of a place; with `coalesces: false` each is a statement of its own. */
export const together = (
  place: Place,
  { coalesces }: { readonly coalesces: boolean }
): Effect.Effect<Together> =>
  Effect.gen(function* () {
    const { changeEach, isOneOf } = coalesces ? place.database.dialect : nothing
    const find = yield* shared(Sessions.find(place), isOneOf && finding(place, isOneOf))
    const update = yield* shared(
      Sessions.update(place),
      changeEach && replacing(place, changeEach, "update")
    )
    const move = yield* shared(
      Sessions.move(place),
      changeEach && replacing(place, changeEach, "move")
    )
    const touch = yield* shared(Sessions.touch(place), changeEach && touching(place, changeEach))
    return {
      find: (id) => atThisTime((now) => find({ id, now })),
      update: (record, version) =>
        atThisTime((now) => update({ id: record.id, record, version, now })),
      move: (id, record, version) => atThisTime((now) => move({ id, record, version, now })),
      touch: (id, version, lastActivityMillis, expiresAtMillis) =>
        atThisTime((now) => touch({ id, version, lastActivityMillis, expiresAtMillis, now }))
    }
  })

const nothing = { changeEach: undefined, isOneOf: undefined }

const atThisTime = <A, E>(run: (now: number) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Clock.currentTimeMillis, run)

type Batch<Call, Answer> = Pick<
  Coalesce.Coalescing<Call, Answer, SessionStoreError>,
  "batch" | "sameKey" | "inFlight"
>

const shared = <Call extends { readonly id: string }, Answer>(
  single: (call: Call) => Effect.Effect<Answer, SessionStoreError>,
  batch: Batch<Call, Answer> | undefined
): Effect.Effect<(call: Call) => Effect.Effect<Answer, SessionStoreError>> =>
  batch === undefined
    ? Effect.succeed(single)
    : Coalesce.make({ ...batch, single, key: (call) => call.id, retriesSingly })

// A database that is away or slow would only get 64 statements for one. Every other failure is the answer to a statement
// that was undone. If one were not, the second run of an update would miss, because the version has moved on, and whoever
// commits finds the row again and knows it by its commit id.
const retriesSingly = ({ reason }: SessionStoreError): boolean =>
  reason !== "unavailable" && reason !== "timeout"

/** Finds by ids, and what is missing by previous ids: as many statements for all as for one. */
const finding = (
  { database, table }: Place,
  isOneOf: IsOneOf
): Batch<Find, Option.Option<SessionRecord>> => {
  const select = `select ${columns.join(", ")} from ${table.sessions} where ${isLive} and `
  return {
    sameKey: "together",
    inFlight: 2,
    batch: (calls) =>
      database.call(
        "find",
        Effect.gen(function* () {
          // The earliest of them, so that nobody misses a row; each looks at the expiry again.
          const now = Math.min(...calls.map((call) => call.now))
          const ids = [...new Set(calls.map((call) => call.id))]
          const byId = isOneOf("id", ids)
          const rows = new Rows(
            yield* database.query(select + byId.text, [now, ...byId.parameters])
          )
          const missing = ids.filter((id) => !rows.byId.has(id))
          if (missing.length > 0) {
            const byPrevious = isOneOf("previous_id", missing)
            const text = `${select}previous_until > ? and ${byPrevious.text}`
            rows.add(yield* database.query(text, [now, now, ...byPrevious.parameters]))
          }
          return calls.map((call) => rows.answer(call))
        })
      )
  }
}

/** The rows of a batch, by what they were looked for. */
class Rows {
  readonly byId = new Map<string, SessionRecord>()
  private readonly byPreviousId = new Map<string, SessionRecord>()
  private someUnreadable = false

  constructor(rows: ReadonlyArray<Row>) {
    this.add(rows)
  }

  add(rows: ReadonlyArray<Row>): void {
    for (const row of rows) {
      const record = readable(row)
      if (record === undefined) this.someUnreadable = true
      else {
        this.byId.set(record.id, record)
        if (record.previous !== null) this.byPreviousId.set(record.previous.id, record)
      }
    }
  }

  /** `undefined` where the row may be one that cannot be read: its failure is for its own caller alone. */
  answer({ id, now }: Find): Option.Option<SessionRecord> | undefined {
    const record = this.byId.get(id) ?? this.byPreviousId.get(id)
    if (record === undefined) return this.someUnreadable ? undefined : Option.none()
    const untilMillis = record.id === id ? Number.POSITIVE_INFINITY : record.previous?.untilMillis
    const isOver = record.expiresAtMillis <= now || (untilMillis ?? 0) <= now
    return isOver ? Option.none() : Option.some(record)
  }
}

const readable = (row: Row): SessionRecord | undefined => {
  try {
    return toRecord("find", row)
  } catch {
    return undefined
  }
}

/** A statement costs the database more than the rows it writes: one at a time brings more of them together. */
const inFlightOfWrites = 1

/** Replaces rows, by `update` or by `move`, which give different columns. */
const replacing = (
  { database, table }: Place,
  changeEach: ChangeEach,
  operation: "update" | "move"
): Batch<Replace, boolean> => {
  const given = operation === "move" ? columns : updated
  return {
    sameKey: "apart",
    inFlight: inFlightOfWrites,
    batch: (calls) =>
      database.call(
        operation,
        Effect.map(
          changeEach(database, {
            table: table.sessions,
            set: given.map((column) => [column, `given.new_${column}`]),
            given,
            rows: calls.map((call) => ({
              ...call,
              values: valuesOf(call.record).slice(-given.length)
            }))
          }),
          // Why a row was not changed (gone, newer, or just locked by somebody) its own statement finds out.
          (changed) => calls.map(({ id }) => (changed.has(id) ? true : undefined))
        )
      )
  }
}

const touching = ({ database, table }: Place, changeEach: ChangeEach): Batch<Touch, boolean> => ({
  sameKey: "apart",
  inFlight: inFlightOfWrites,
  batch: (calls) =>
    database.call(
      "touch",
      Effect.map(
        changeEach(database, {
          table: table.sessions,
          set: touched.map((column) => [
            column,
            `greatest(session.${column}, given.new_${column})`
          ]),
          given: touched,
          rows: calls.map((call) => ({
            ...call,
            values: [call.lastActivityMillis, call.expiresAtMillis]
          }))
        }),
        // A row that somebody else is writing at this moment has no need of a touch.
        (changed) => calls.map(({ id }) => changed.has(id))
      )
    )
})
