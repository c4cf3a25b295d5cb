/**
 * The figures that the database computes: `addresses`, `hourly`, `usage`. Only the results are sent back, not the rows.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SessionStoreError } from "../errors/errors.js"
import type { HourFigures, KeptFilter, Service } from "../store/contract.js"
import type { Condition, Parameter } from "./dialect.js"
import { hourMillis } from "./dialect.js"
import { all, hourOf } from "./listing.js"
import { Reader } from "./rows.js"
import { decoding, type SessionTable } from "./sessionTable.js"
import type { TableNames } from "./tableNames.js"

/** Lists the users that were seen from more than one address. */
export const addresses = ({ database, names }: SessionTable): Service["addresses"] => {
  const seen = kept(names, "user_id, ip_address")
  return (filter) => {
    const rows = seen(filter, "user_id is not null and ip_address is not null")
    const groups = `select user_id, ip_address, count(*) as sessions, count(*) over (partition by user_id) as addresses from (${rows.text}) as kept group by user_id, ip_address`
    const text = `select user_id, ip_address, sessions from (${groups}) as seen where addresses > 1`
    return database.longCall(
      "addresses",
      Effect.flatMap(database.query(text, rows.parameters), (rows) =>
        decoding("addresses", () => byUser(rows.map((row) => new Reader("addresses", row))))
      )
    )
  }
}

const byUser = (seen: ReadonlyArray<Reader>) => {
  const users = new Map<string, { userId: string; addresses: Array<string>; sessions: number }>()
  for (const read of seen) {
    const userId = read.text("user_id")
    const user = users.get(userId) ?? { userId, addresses: [], sessions: 0 }
    user.addresses.push(read.text("ip_address"))
    user.sessions += read.number("sessions")
    users.set(userId, user)
  }
  return [...users.values()]
}

/** How many hours a statement covers: it makes them by recursion, and MySQL's ends at a thousand. */
const mostHours = 720

/** Counts sessions and users by the hour. */
export const hourly = (table: SessionTable): Service["hourly"] => {
  const part = hoursOf(table)
  const parts = (
    namespace: string,
    fromMillis: number,
    untilMillis: number
  ): Effect.Effect<ReadonlyArray<HourFigures>, SessionStoreError> => {
    if (fromMillis >= untilMillis) return Effect.succeed([])
    const end = Math.min(untilMillis, fromMillis + mostHours * hourMillis)
    return Effect.zipWith(
      part(namespace, fromMillis, end),
      Effect.suspend(() => parts(namespace, end, untilMillis)),
      (first, rest) => [...first, ...rest]
    )
  }
  return ({ namespace, fromMillis, untilMillis }) => parts(namespace, fromMillis, untilMillis)
}

const hoursOf = ({ database, names }: SessionTable) => {
  const { greatest, least } = database.dialect
  // The remainder is subtracted first, because not every database divides integers to an integer.
  const hour = (millis: string) => `(${millis} - ${millis} % ${hourMillis}) / ${hourMillis}`
  // A session's first and last hour within the range.
  const hours = kept(
    names,
    `user_id, ${hour(`${greatest}(created_at, ?)`)} as first_hour, ${hour(`${least}(last_activity, ?)`)} as last_hour`
  )
  const longest = (stays: string) =>
    `select max(last_hour - first_hour) as steps from (${stays}) as stays`
  const counts = (stays: string) =>
    `with recursive steps(step) as (select 0 union all select step + 1 from steps where step < ?) select hour_number, sum(sessions) as sessions, count(user_id) as users from (select first_hour + step as hour_number, user_id, count(*) as sessions from (${stays}) as stays join steps on first_hour + step <= last_hour group by first_hour + step, user_id) as seen group by hour_number`
  return (namespace: string, fromMillis: number, untilMillis: number) => {
    const last = untilMillis - 1
    const stays = hours(
      { namespace, activeSinceMillis: fromMillis },
      "created_at < ?",
      [untilMillis],
      // Each twice: the expression stands in its remainder, too.
      [fromMillis, fromMillis, last, last]
    )
    return database.longCall(
      "hourly",
      Effect.gen(function* () {
        const rows = yield* database.query(longest(stays.text), stays.parameters)
        const steps = rows[0]?.steps ?? null
        if (steps === null) return inOrder([], fromMillis, untilMillis)
        const counted = yield* database.query(counts(stays.text), [
          Number(steps),
          ...stays.parameters
        ])
        const read = yield* decoding("hourly", () => counted.map(toHour))
        return inOrder(read, fromMillis, untilMillis)
      })
    )
  }
}

const toHour = (row: ConstructorParameters<typeof Reader>[1]): HourFigures => {
  const read = new Reader("hourly", row)
  return {
    startMillis: read.number("hour_number") * hourMillis,
    sessions: read.number("sessions"),
    users: read.number("users")
  }
}

const inOrder = (
  counted: ReadonlyArray<HourFigures>,
  fromMillis: number,
  untilMillis: number
): ReadonlyArray<HourFigures> => {
  const byStart = new Map(counted.map((hour) => [hour.startMillis, hour]))
  return Array.from({ length: (untilMillis - fromMillis) / hourMillis }, (_, index) => {
    const startMillis = fromMillis + index * hourMillis
    return byStart.get(startMillis) ?? { startMillis, sessions: 0, users: 0 }
  })
}

/** Adds up sessions. */
export const usage = ({ database, names }: SessionTable): Service["usage"] => {
  const bytes = database.dialect.byteLength("payload")
  const summed = kept(
    names,
    `${bytes} as bytes, last_activity - created_at as active, case when ended_at is null and expires_at > ? then 1 end as is_live`
  )
  return (filter) =>
    database.longCall(
      "usage",
      Effect.gen(function* () {
        const rows = summed(filter, undefined, [], [yield* Clock.currentTimeMillis])
        const text = `select count(*) as sessions, count(is_live) as live, coalesce(sum(bytes), 0) as payload_bytes, coalesce(sum(active), 0) as active_millis from (${rows.text}) as kept`
        const [row = {}] = yield* database.query(text, rows.parameters)
        return yield* decoding("usage", () => {
          const read = new Reader("usage", row)
          const live = read.number("live")
          return {
            live,
            over: read.number("sessions") - live,
            payloadBytes: read.number("payload_bytes"),
            activeMillis: read.number("active_millis")
          }
        })
      })
    )
}

/**
 * The query for some columns of a filter's sessions, live or over. It may have one more condition; `parameters` are those of
 * the condition, `ofColumns` those of the columns.
 */
const kept =
  (names: TableNames, selected: string) =>
  (
    { activeSinceMillis, namespace, userId }: KeptFilter,
    condition?: string,
    parameters: ReadonlyArray<Parameter> = [],
    ofColumns: ReadonlyArray<Parameter> = []
  ): Condition => {
    const rest: Array<Condition> = [{ text: "namespace = ?", parameters: [namespace] }]
    if (userId !== undefined) rest.push({ text: "user_id = ?", parameters: [userId] })
    if (condition !== undefined) rest.push({ text: condition, parameters })
    const parts = (activeSinceMillis === undefined ? [[]] : activeSince(activeSinceMillis)).map(
      (part) => all([...rest, ...part])
    )
    return {
      text: parts
        .map(({ text }) => `select ${selected} from ${names.sessions} where ${text}`)
        .join(" union all "),
      parameters: parts.flatMap((part) => [...ofColumns, ...part.parameters])
    }
  }

/** How far apart the clocks of two servers may be for the figures: one may have ended a session that the other saw active. */
const skewMillis = hourMillis

/**
 * The sessions that were active at an instant or later: first those that have not ended, then those that have. Only the
 * activity decides. The other conditions follow from it, because no session expires or ends before its last activity; with
 * them the index passes over sessions that were over long before.
 *
 * Two parts and no `or`: with `or`, PostgreSQL 18 forgets the default partition of a table that is partitioned by
 * `ended_at`, and MariaDB does not use the index.
 */
const activeSince = (millis: number): ReadonlyArray<ReadonlyArray<Condition>> => {
  const active = { text: "last_activity >= ?", parameters: [millis] }
  const expires = { text: "expires_hour >= ?", parameters: [hourOf(millis)] }
  return [
    [active, { text: "ended_at is null", parameters: [] }, expires],
    [active, { text: "ended_at >= ?", parameters: [millis - skewMillis] }, expires]
  ]
}
