/**
 * The calls about many sessions: `entries`, `count`, `removeWhere`.
 *
 * They go page by page along `row_id`, which a session keeps for life. Ids change, so pages by id could show a session
 * twice or never.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionFilter } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Primitives, Service } from "../store/contract.js"
import type { Condition } from "./dialect.js"
import { hourMillis } from "./dialect.js"
import { entryColumns, toEntry } from "./rows.js"
import { decoding, endNow, type SessionTable } from "./sessionTable.js"

const pageSize = 1000

/** Lists the entries of a filter. */
export const entries = (table: SessionTable): Primitives["entries"] => {
  const { database } = table
  const select = `select ${entryColumns(database.dialect)} from`
  const page = (filter: SessionFilter, after: number) =>
    database.longCall(
      "entries",
      Effect.gen(function* () {
        const where = filtered(filter, yield* Clock.currentTimeMillis)
        const rows = yield* database.query(
          `${select} ${paged(table, filter)} where row_id > ? and ${where.text} order by row_id limit ${pageSize}`,
          [after, ...where.parameters]
        )
        const last = rows[rows.length - 1]
        const isLast = last === undefined || rows.length < pageSize
        const listed = yield* decoding("entries", () => rows.map((row) => toEntry("entries", row)))
        return [
          Chunk.unsafeFromArray(listed),
          isLast ? Option.none<number>() : Option.some(Number(last.row_id))
        ] as const
      })
    )
  return (filter) => Stream.paginateChunkEffect(0, (after) => page(filter, after))
}

/**
 * Counts sessions and their users. The index alone tells that a session is live if it expires in a later hour, and over if
 * it expired in an earlier one, so only the rows that expire in the current hour are read.
 */
export const count = ({ database, names }: SessionTable): Service["count"] => {
  const select = `select user_id from ${names.sessions} where`
  return (filter) =>
    database.longCall(
      "count",
      Effect.gen(function* () {
        const parts = partsOf(filter, yield* Clock.currentTimeMillis)
        const union = parts.map(({ text }) => `${select} ${text}`).join(" union all ")
        const rows = yield* database.query(
          // In groups, because `count(distinct ...)` sorts.
          `select sum(sessions) as sessions, count(user_id) as users from (select user_id, count(*) as sessions from (${union}) as parts group by user_id) as user_groups`,
          parts.flatMap(({ parameters }) => parameters)
        )
        return { sessions: Number(rows[0]?.sessions ?? 0), users: Number(rows[0]?.users ?? 0) }
      })
    )
}

/** The condition of a filter in parts that share no row, each by what the index tells of it. */
const partsOf = (filter: SessionFilter, now: number): ReadonlyArray<Condition> => {
  const { state = "live", userId } = filter
  const rest = restricted(filter)
  // The sessions of one user are found by their own index.
  if (userId !== undefined || state === "all") return [filtered(filter, now)]
  const hour = hourOf(now)
  const parts: ReadonlyArray<Condition> =
    state === "live"
      ? [
          { text: "ended_at is null and expires_hour > ?", parameters: [hour] },
          {
            text: "ended_at is null and expires_hour = ? and expires_at > ?",
            parameters: [hour, now]
          }
        ]
      : [
          { text: "ended_at is not null", parameters: [] },
          { text: "ended_at is null and expires_hour < ?", parameters: [hour] },
          {
            text: "ended_at is null and expires_hour = ? and expires_at <= ?",
            parameters: [hour, now]
          }
        ]
  return parts.map((part) => all([part, ...rest]))
}

/** Ends the live sessions that a filter lets through, a page at a time. */
export const removeWhere = (table: SessionTable): Service["removeWhere"] => {
  const { database, names, keepEndedMillis } = table
  const [head, headParameters] =
    keepEndedMillis > 0
      ? [endNow(table), (now: number) => [now]]
      : [`delete from ${names.sessions}`, () => []]
  const page = (filter: SessionFilter, except: string | undefined, after: number) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const where = filtered({ ...filter, state: "live" }, now, except)
      const rows = yield* database.query(
        `select row_id from ${paged(table, filter)} where row_id > ? and ${where.text} order by row_id limit ${pageSize}`,
        [after, ...where.parameters]
      )
      const first = Number(rows[0]?.row_id)
      const last = Number(rows[rows.length - 1]?.row_id)
      if (rows.length === 0) return { ended: 0, last: Option.none<number>() }
      // The condition once more, because rows may have changed since.
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
    Effect.flatMap(
      database.longCall("removeWhere", page(filter, except, after)),
      ({ ended, last }) =>
        Option.isNone(last)
          ? Effect.succeed(before + ended)
          : pages(filter, except, last.value, before + ended)
    )
  return (filter, options) =>
    filter.state === "over" ? Effect.succeed(0) : pages(filter, options?.except, 0, 0)
}

/** The table that the pages of a filter are read from; the sessions of one user are found by their own index. */
const paged = ({ database, names }: SessionTable, { userId }: SessionFilter): string =>
  userId === undefined ? `${names.sessions} ${database.dialect.inOrder}` : names.sessions

/** The condition of a filter; `except` is the id or previous id of a session to leave out. */
const filtered = (filter: SessionFilter, now: number, except?: string): Condition => {
  const { state = "live" } = filter
  const conditions: Array<Condition> = []
  if (state === "live") conditions.push(live(now))
  if (state === "over") conditions.push(over(now))
  conditions.push(...restricted(filter))
  if (except !== undefined) conditions.push(otherThan(except))
  return all(conditions)
}

/** The conditions of a filter beside its state. */
const restricted = ({
  namespace,
  userId,
  activeSinceMillis
}: SessionFilter): ReadonlyArray<Condition> => {
  const conditions: Array<Condition> = []
  if (namespace !== undefined) conditions.push({ text: "namespace = ?", parameters: [namespace] })
  if (userId !== undefined) conditions.push({ text: "user_id = ?", parameters: [userId] })
  if (activeSinceMillis !== undefined) {
    conditions.push({ text: "last_activity >= ?", parameters: [activeSinceMillis] })
  }
  return conditions
}

/** All of these conditions together. */
export const all = (conditions: ReadonlyArray<Condition>): Condition => ({
  text: conditions.map(({ text }) => text).join(" and ") || "1 = 1",
  parameters: conditions.flatMap(({ parameters }) => parameters)
})

/** The value of `expires_hour` that belongs to an instant. */
export const hourOf = (millis: number): number => Math.floor(millis / hourMillis)

// The expiry implies its hour, which is there for the index.
const live = (now: number): Condition => ({
  text: "ended_at is null and expires_hour >= ? and expires_at > ?",
  parameters: [hourOf(now), now]
})

const expiredBy = (millis: number): Condition => ({
  text: "ended_at is null and expires_hour <= ? and expires_at <= ?",
  parameters: [hourOf(millis), millis]
})

const over = (now: number): Condition => {
  const expired = expiredBy(now)
  return { text: `(ended_at is not null or (${expired.text}))`, parameters: expired.parameters }
}

const otherThan = (except: string): Condition => ({
  text: "id <> ? and (previous_id is null or previous_id <> ?)",
  parameters: [except, except]
})
