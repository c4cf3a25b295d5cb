/**
 * The calls about many sessions: `entries`, `count`, `removeWhere`.
 *
 * They go page by page along `row_id`, which a session keeps for life: ids move, so pages by id could show a session twice
 * or never.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionFilter } from "../../core/record.js"
import type { Primitives, Service } from "../../SessionStore.js"
import type { SessionStoreError } from "../errors.js"
import type { Parameter } from "./dialect.js"
import { slotMillis } from "./dialect.js"
import { summaryColumns, toSummary } from "./rows.js"
import type { Place } from "./sessions.js"
import { decoding, ending } from "./sessions.js"

const pageSize = 1000

/** A part of a `where` clause with its parameters. */
export interface Condition {
  readonly text: string
  readonly parameters: ReadonlyArray<Parameter>
}

/** Lists summaries. */
export const entries = ({ database, table }: Place): Primitives["entries"] => {
  const select = `select ${summaryColumns(database.dialect)} from ${table.sessions}`
  const page = (filter: SessionFilter, after: number) =>
    database.call(
      "entries",
      Effect.gen(function* () {
        const where = filtered(filter, yield* Clock.currentTimeMillis)
        const rows = yield* database.query(
          `${select} where row_id > ? and ${where.text} order by row_id limit ${pageSize}`,
          [after, ...where.parameters]
        )
        const last = rows[rows.length - 1]
        const isLast = last === undefined || rows.length < pageSize
        const summaries = yield* decoding("entries", () =>
          rows.map((row) => toSummary("entries", row))
        )
        return [
          Chunk.unsafeFromArray(summaries),
          isLast ? Option.none<number>() : Option.some(Number(last.row_id))
        ] as const
      })
    )
  return (filter) => Stream.paginateChunkEffect(0, (after) => page(filter, after))
}

/** Counts sessions and their users. */
export const count = ({ database, table }: Place): Service["count"] => {
  const select = `select count(*) as sessions, count(distinct user_id) as users from ${table.sessions}`
  return (filter) =>
    database.call(
      "count",
      Effect.gen(function* () {
        const where = filtered(filter, yield* Clock.currentTimeMillis)
        const rows = yield* database.query(`${select} where ${where.text}`, where.parameters)
        return { sessions: Number(rows[0]?.sessions ?? 0), users: Number(rows[0]?.users ?? 0) }
      })
    )
}

/** Ends the live sessions a filter lets through, a page at a time. */
export const removeWhere = (place: Place): Service["removeWhere"] => {
  const { database, table, keepEndedMillis } = place
  const [head, headParameters] =
    keepEndedMillis > 0
      ? [`update ${table.sessions} ${ending(place)}`, (now: number) => [now]]
      : [`delete from ${table.sessions}`, () => []]
  const page = (filter: SessionFilter, except: string | undefined, after: number) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const where = and(filtered({ ...filter, state: "live" }, now), otherThan(except))
      const rows = yield* database.query(
        `select row_id from ${table.sessions} where row_id > ? and ${where.text} order by row_id limit ${pageSize}`,
        [after, ...where.parameters]
      )
      const first = Number(rows[0]?.row_id)
      const last = Number(rows[rows.length - 1]?.row_id)
      if (rows.length === 0) return { ended: 0, last: Option.none<number>() }
      // The condition once more: what moved or changed since is judged as it is now.
      const ended = yield* database.change(
        `${head} where row_id >= ? and row_id <= ? and ${where.text}`,
        [...headParameters(now), first, last, ...where.parameters]
      )
      return { ended, last: rows.length < pageSize ? Option.none() : Option.some(last) }
    })
  const pages = (
    filter: SessionFilter,
    except: string | undefined,
    after: number,
    before: number
  ): Effect.Effect<number, SessionStoreError> =>
    Effect.flatMap(database.call("removeWhere", page(filter, except, after)), ({ ended, last }) =>
      Option.isNone(last)
        ? Effect.succeed(before + ended)
        : pages(filter, except, last.value, before + ended)
    )
  return (filter, options) =>
    filter.state === "over" ? Effect.succeed(0) : pages(filter, options?.except, 0, 0)
}

/** The condition of a filter. */
export const filtered = (filter: SessionFilter, now: number): Condition => {
  const { namespace, userId, activeSinceMillis, state = "live" } = filter
  const conditions: Array<Condition> = []
  if (state === "live") conditions.push(live(now))
  if (state === "over") conditions.push(over(now))
  if (namespace !== undefined) conditions.push({ text: "namespace = ?", parameters: [namespace] })
  if (userId !== undefined) conditions.push({ text: "user_id = ?", parameters: [userId] })
  if (activeSinceMillis !== undefined) {
    conditions.push({ text: "last_activity >= ?", parameters: [activeSinceMillis] })
  }
  return conditions.reduce(and, always)
}

const always: Condition = { text: "1 = 1", parameters: [] }

const and = (one: Condition, other: Condition): Condition => ({
  text: `${one.text} and ${other.text}`,
  parameters: [...one.parameters, ...other.parameters]
})

const slotOf = (millis: number): number => Math.floor(millis / slotMillis)

// The slot says nothing that the expiry does not say: it is there for the index.
const live = (now: number): Condition => ({
  text: "ended_at is null and expires_slot >= ? and expires_at > ?",
  parameters: [slotOf(now), now]
})

/** The condition of a row that expired at an instant or before and was not ended yet. */
export const expiredBy = (millis: number): Condition => ({
  text: "ended_at is null and expires_slot <= ? and expires_at <= ?",
  parameters: [slotOf(millis), millis]
})

const over = (now: number): Condition => {
  const expired = expiredBy(now)
  return { text: `(ended_at is not null or (${expired.text}))`, parameters: expired.parameters }
}

const otherThan = (except: string | undefined): Condition =>
  except === undefined
    ? always
    : {
        text: "id <> ? and (previous_id is null or previous_id <> ?)",
        parameters: [except, except]
      }
