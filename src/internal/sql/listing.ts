/**
 * The calls about many sessions: `entries`, `page`, `count`, `removeWhere`.
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
import type { Overrides, Primitives, Service } from "../store/contract.js"
import { type Condition, hourMillis, type Row, where } from "./dialect.js"
import { entryColumns, toEntry } from "./rows.js"
import { decoding, endNow, type SessionTable } from "./sessionTable.js"

const pageSize = 1000

/** Where the page after these rows begins; none after the last page. */
const nextPage = (rows: ReadonlyArray<Row>): Option.Option<number> =>
  rows.length < pageSize ? Option.none() : Option.some(Number(rows[rows.length - 1]?.row_id))

/** The table as a listing reads it: the sessions of one user are found by their own index. */
const passOf = ({ database, names }: SessionTable, { userId }: SessionFilter): string =>
  userId === undefined ? `${names.sessions} ${database.dialect.inOrder}` : names.sessions

/** Makes the query of one page. */
const paged = (table: SessionTable, selected: string) => {
  return (filter: SessionFilter, condition: Condition, after: number) =>
    table.database.query(
      `select ${selected} from ${passOf(table, filter)} where row_id > ? and ${condition.text} order by row_id limit ${pageSize}`,
      [after, ...condition.parameters]
    )
}

/** Lists the entries of a filter. */
export const entries = (table: SessionTable): Primitives["entries"] => {
  const { database } = table
  const query = paged(table, entryColumns(database.dialect))
  const page = (filter: SessionFilter, after: number) =>
    database.longCall(
      "entries",
      Effect.gen(function* () {
        const rows = yield* query(filter, filtered(filter, yield* Clock.currentTimeMillis), after)
        const listed = yield* decoding("entries", () => rows.map((row) => toEntry("entries", row)))
        return [Chunk.unsafeFromArray(listed), nextPage(rows)] as const
      })
    )
  return (filter) => Stream.paginateChunkEffect(0, (after) => page(filter, after))
}

/** Lists one page, the row that was made last first. One row more than the page tells whether there is another page. */
export const page = (table: SessionTable): NonNullable<Overrides["page"]> => {
  const { database } = table
  const selected = entryColumns(database.dialect)
  return (filter, { after = "", limit }) =>
    database.longCall(
      "page",
      Effect.gen(function* () {
        const condition = filtered(filter, yield* Clock.currentTimeMillis)
        const before = /^\d{1,15}$/.test(after) ? Number(after) : Number.MAX_SAFE_INTEGER
        const rows = yield* database.query(
          `select ${selected} from ${passOf(table, filter)} where row_id < ? and ${condition.text} order by row_id desc limit ${limit + 1}`,
          [before, ...condition.parameters]
        )
        const listed = rows.slice(0, limit)
        const last = rows.length > limit ? listed[limit - 1] : undefined
        return yield* decoding("page", () => ({
          entries: listed.map((row) => toEntry("page", row)),
          next: Option.map(Option.fromNullable(last), ({ row_id }) => String(row_id))
        }))
      })
    )
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
  // The sessions of one user are found by their own index.
  if (userId !== undefined || state === "all") return [filtered(filter, now)]
  const hour = hourOf(now)
  const parts =
    state === "live"
      ? [
          where("ended_at is null and expires_hour > ?", hour),
          where("ended_at is null and expires_hour = ? and expires_at > ?", hour, now)
        ]
      : [
          where("ended_at is not null"),
          where("ended_at is null and expires_hour < ?", hour),
          where("ended_at is null and expires_hour = ? and expires_at <= ?", hour, now)
        ]
  return parts.map((part) => all([part, ...restricted(filter)]))
}

/** Ends the live sessions that a filter lets through, a page at a time. */
export const removeWhere = (table: SessionTable): Service["removeWhere"] => {
  const { database, names, keepEndedMillis } = table
  const query = paged(table, "row_id")
  const [head, headParameters] =
    keepEndedMillis > 0
      ? [endNow(table), (now: number) => [now]]
      : [`delete from ${names.sessions}`, () => []]
  const page = (filter: SessionFilter, except: string | undefined, after: number) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const condition = filtered({ ...filter, state: "live" }, now, except)
      const rows = yield* query(filter, condition, after)
      if (rows.length === 0) return [0, Option.none<number>()] as const
      // The condition once more, because rows may have changed since.
      const ended = yield* database.change(
        `${head} where row_id >= ? and row_id <= ? and ${condition.text}`,
        [
          ...headParameters(now),
          Number(rows[0]?.row_id),
          Number(rows[rows.length - 1]?.row_id),
          ...condition.parameters
        ]
      )
      return [ended, nextPage(rows)] as const
    })
  return (filter, options) =>
    filter.state === "over"
      ? Effect.succeed(0)
      : Stream.runSum(
          Stream.paginateEffect(0, (after) =>
            database.longCall("removeWhere", page(filter, options?.except, after))
          )
        )
}

/** The condition of a filter; `except` is the id or previous id of a session to leave out. */
const filtered = (filter: SessionFilter, now: number, except?: string): Condition => {
  const states = {
    all: [],
    // The expiry implies its hour, which is there for the index.
    live: [where("ended_at is null and expires_hour >= ? and expires_at > ?", hourOf(now), now)],
    over: [
      where(
        "(ended_at is not null or (ended_at is null and expires_hour <= ? and expires_at <= ?))",
        hourOf(now),
        now
      )
    ]
  }
  const others =
    except === undefined
      ? []
      : [where("id <> ? and (previous_id is null or previous_id <> ?)", except, except)]
  return all([...states[filter.state ?? "live"], ...restricted(filter), ...others])
}

/** The conditions of a filter beside its state. */
export const restricted = ({
  namespace,
  userId,
  activeSinceMillis
}: SessionFilter): ReadonlyArray<Condition> => {
  const conditions: Array<Condition> = []
  if (namespace !== undefined) conditions.push(where("namespace = ?", namespace))
  if (userId !== undefined) conditions.push(where("user_id = ?", userId))
  if (activeSinceMillis !== undefined) {
    conditions.push(where("last_activity >= ?", activeSinceMillis))
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
