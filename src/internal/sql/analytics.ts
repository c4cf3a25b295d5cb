/**
 * The figures that the database computes: `addresses`, `hourly`, `usage`. Only the results are sent back, not the rows.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HourFigures, KeptFilter, Service } from "../store/contract.js"
import { type Condition, hourMillis, type Parameter, where } from "./dialect.js"
import { all, hourOf, restricted } from "./listing.js"
import { Reader } from "./rows.js"
import { decoding, type SessionTable } from "./sessionTable.js"
import type { TableNames } from "./tableNames.js"

/** Lists the users that were seen from more than one address. */
export const addresses = ({ database, names }: SessionTable): Service["addresses"] => {
  const seen = kept(names, "user_id, ip_address")
  return (filter) => {
    const rows = seen(filter, where("user_id is not null and ip_address is not null"))
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

/** How long a range one statement covers: it makes the hours by recursion, and MySQL's ends at a thousand. */
const rangeMillis = 720 * hourMillis

/** Counts sessions and users by the hour. */
export const hourly = (table: SessionTable): Service["hourly"] => {
  const range = hoursOf(table)
  return ({ namespace, fromMillis, untilMillis }) =>
    Effect.map(
      Effect.forEach(
        Array.from(
          { length: Math.ceil((untilMillis - fromMillis) / rangeMillis) },
          (_, index) => fromMillis + index * rangeMillis
        ),
        (from) => range(namespace, from, Math.min(untilMillis, from + rangeMillis))
      ),
      (ranges) => ranges.flat()
    )
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
  return (namespace: string, fromMillis: number, untilMillis: number) => {
    const last = untilMillis - 1
    const stays = hours(
      { namespace, activeSinceMillis: fromMillis },
      where("created_at < ?", untilMillis),
      // Each twice: the expression stands in its remainder, too.
      [fromMillis, fromMillis, last, last]
    )
    const longest = `select max(last_hour - first_hour) as steps from (${stays.text}) as stays`
    const counts = `with recursive steps(step) as (select 0 union all select step + 1 from steps where step < ?) select hour_number, sum(sessions) as sessions, count(user_id) as users from (select first_hour + step as hour_number, user_id, count(*) as sessions from (${stays.text}) as stays join steps on first_hour + step <= last_hour group by first_hour + step, user_id) as seen group by hour_number`
    return database.longCall(
      "hourly",
      Effect.gen(function* () {
        const [row] = yield* database.query(longest, stays.parameters)
        const steps = row?.steps ?? null
        const counted =
          steps === null ? [] : yield* database.query(counts, [Number(steps), ...stays.parameters])
        return yield* decoding("hourly", () =>
          inOrder(
            counted.map((row) => new Reader("hourly", row)),
            fromMillis,
            untilMillis
          )
        )
      })
    )
  }
}

const inOrder = (
  counted: ReadonlyArray<Reader>,
  fromMillis: number,
  untilMillis: number
): ReadonlyArray<HourFigures> => {
  const byStart = new Map(
    counted.map((read) => [
      read.number("hour_number") * hourMillis,
      { sessions: read.number("sessions"), users: read.number("users") }
    ])
  )
  return Array.from({ length: (untilMillis - fromMillis) / hourMillis }, (_, index) => {
    const startMillis = fromMillis + index * hourMillis
    return { startMillis, ...(byStart.get(startMillis) ?? { sessions: 0, users: 0 }) }
  })
}

/** Adds up sessions. */
export const usage = ({ database, names }: SessionTable): Service["usage"] => {
  const summed = kept(
    names,
    `${database.dialect.byteLength("payload")} as bytes, last_activity - created_at as active, case when ended_at is null and expires_at > ? then 1 end as is_live`
  )
  return (filter) =>
    database.longCall(
      "usage",
      Effect.gen(function* () {
        const rows = summed(filter, undefined, [yield* Clock.currentTimeMillis])
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
 * The query for some columns of a filter's sessions, live or over. It may have one more condition; `ofColumns` are the
 * parameters of the columns.
 */
const kept =
  (names: TableNames, selected: string) =>
  (
    { activeSinceMillis, ...filter }: KeptFilter,
    condition?: Condition,
    ofColumns: ReadonlyArray<Parameter> = []
  ): Condition => {
    const rest = condition === undefined ? restricted(filter) : [...restricted(filter), condition]
    const parts = (activeSinceMillis === undefined ? [[]] : activeSince(activeSinceMillis)).map(
      (part) => all([...rest, ...part])
    )
    return {
      text: parts
        .map(({ text }) => `select ${selected} from ${names.sessions} where ${text}`)
        .join(" union all "),
      parameters: parts.flatMap(({ parameters }) => [...ofColumns, ...parameters])
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
const activeSince = (millis: number): ReadonlyArray<ReadonlyArray<Condition>> =>
  [where("ended_at is null"), where("ended_at >= ?", millis - skewMillis)].map((ending) => [
    where("last_activity >= ?", millis),
    ending,
    where("expires_hour >= ?", hourOf(millis))
  ])
