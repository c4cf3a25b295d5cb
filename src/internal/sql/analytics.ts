/**
 * The figures as set operations: `addresses`, `hourly`, `usage`. They read the sessions of the asked-for time and namespace
 * where they lie, and send back only what is counted.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HourFigures, KeptFilter, Service } from "../../SessionStore.js"
import type { SessionStoreError } from "../errors.js"
import type { Condition, Parameter } from "./dialect.js"
import { hourMillis } from "./dialect.js"
import { Reader } from "./rows.js"
import type { Place } from "./sessions.js"
import { decoding } from "./sessions.js"

/** Lists the users that were seen from more than one address. */
export const addresses = ({ database, table }: Place): Service["addresses"] => {
  const groups = (where: string) =>
    `select user_id, ip_address, count(*) as sessions, count(*) over (partition by user_id) as addresses from ${table.sessions} where ${where} and user_id is not null and ip_address is not null group by user_id, ip_address`
  return (filter) => {
    const where = kept(filter)
    const text = `select user_id, ip_address, sessions from (${groups(where.text)}) as seen where addresses > 1`
    return database.callPatiently(
      "addresses",
      Effect.flatMap(database.query(text, where.parameters), (rows) =>
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

/** Hours of one statement: what makes them is recursive, and MySQL counts to a thousand. */
const mostHours = 720

/** Counts sessions and users by the hour. */
export const hourly = (place: Place): Service["hourly"] => {
  const part = hoursOf(place)
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

const hoursOf = ({ database, table }: Place) => {
  const { greatest, least } = database.dialect
  // The rest is taken off first, because not every database divides integers to an integer.
  const hour = (millis: string) => `(${millis} - ${millis} % ${hourMillis}) / ${hourMillis}`
  // A session's first and last hour within the time that is asked for.
  const stays = `select user_id, ${hour(`${greatest}(created_at, ?)`)} as first_hour, ${hour(`${least}(last_activity, ?)`)} as last_hour from ${table.sessions} where namespace = ? and last_activity >= ? and created_at < ?`
  const longest = `select max(last_hour - first_hour) as steps from (${stays}) as stays`
  const counts = `with recursive steps(step) as (select 0 union all select step + 1 from steps where step < ?) select hour_number, sum(sessions) as sessions, count(user_id) as users from (select first_hour + step as hour_number, user_id, count(*) as sessions from (${stays}) as stays join steps on first_hour + step <= last_hour group by first_hour + step, user_id) as seen group by hour_number`
  return (namespace: string, fromMillis: number, untilMillis: number) => {
    const last = untilMillis - 1
    // Twice: the rest is taken off the same expression.
    const parameters: ReadonlyArray<Parameter> = [
      ...[fromMillis, fromMillis, last, last],
      ...[namespace, fromMillis, untilMillis]
    ]
    return database.callPatiently(
      "hourly",
      Effect.gen(function* () {
        const steps = (yield* database.query(longest, parameters))[0]?.steps ?? null
        if (steps === null) return inOrder([], fromMillis, untilMillis)
        const rows = yield* database.query(counts, [Number(steps), ...parameters])
        const read = yield* decoding("hourly", () => rows.map(toHour))
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
export const usage = ({ database, table }: Place): Service["usage"] => {
  const bytes = database.dialect.byteLength("payload")
  const select = `select count(*) as sessions, count(case when ended_at is null and expires_at > ? then 1 end) as live, coalesce(sum(${bytes}), 0) as payload_bytes, coalesce(sum(last_activity - created_at), 0) as active_millis from ${table.sessions}`
  return (filter) =>
    database.callPatiently(
      "usage",
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const where = kept(filter)
        const text = `${select} where ${where.text}`
        const [row = {}] = yield* database.query(text, [now, ...where.parameters])
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

/** The condition of a filter, for sessions that are live or over. */
const kept = ({ namespace, userId, activeSinceMillis }: KeptFilter): Condition => {
  const conditions: Array<readonly [text: string, parameter: Parameter]> = [
    ["namespace = ?", namespace]
  ]
  if (userId !== undefined) conditions.push(["user_id = ?", userId])
  if (activeSinceMillis !== undefined) conditions.push(["last_activity >= ?", activeSinceMillis])
  return {
    text: conditions.map(([text]) => text).join(" and "),
    parameters: conditions.map(([, parameter]) => parameter)
  }
}
