/** The commands that only look: `list`, `active`, `stats`. Each takes one pass over the store, at most. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SessionAdmin from "../../SessionAdmin.js"
import * as Format from "./format.js"
import { withListing } from "./store.js"

/** What the commands are asked. */
interface Question {
  readonly json: boolean
  readonly limit: number
  readonly namespace: string
}

/** The same, about those who were here within a time. */
interface Recent extends Question {
  readonly within: Duration.Duration
}

export const encodeSessions = Schema.encodeSync(Schema.Array(SessionAdmin.SessionSummary))

/** Sessions as a table, the columns that matter most first. */
export const sessionsTable = (
  screen: Format.Surface,
  list: ReadonlyArray<SessionAdmin.SessionSummary>
): string =>
  list.length === 0
    ? "No sessions."
    : Format.table(
        screen,
        ["id", "user", "last activity", "address", "expires", "agent", "bytes"],
        list.map((one) => [
          one.id,
          Option.getOrElse(one.userId, () => "-"),
          Format.instant(one.lastActivity),
          Option.getOrElse(one.ipAddress, () => "-"),
          Format.instant(one.expiresAt),
          Option.getOrElse(one.userAgent, () => "-"),
          one.payloadBytes
        ])
      )

const showSessions = (json: boolean, list: ReadonlyArray<SessionAdmin.SessionSummary>) =>
  Format.show(json, encodeSessions(list), (screen) => sessionsTable(screen, list))

/** How far `list` looks to say how many more there are. */
const lookAhead = 1000

/** `list`: sessions in no particular order. */
export const list = ({
  all,
  json,
  limit,
  namespace,
  user
}: Question & { readonly all: boolean; readonly user: string | undefined }) => {
  const listing = { namespace, userId: user, state: all ? "all" : "live" } as const
  const some = Stream.take(SessionAdmin.stream(listing), limit + lookAhead + 1)
  return withListing(
    Effect.gen(function* () {
      const found = Chunk.toReadonlyArray(yield* Stream.runCollect(some))
      yield* showSessions(json, found.slice(0, limit))
      const left = found.length - limit
      yield* Format.more(left > lookAhead ? `over ${Format.grouped(lookAhead)}` : left)
    })
  )
}

/** `active`: who was here recently. */
export const active = ({ json, limit, ...recent }: Recent) =>
  withListing(
    Effect.gen(function* () {
      const found = yield* SessionAdmin.active(recent)
      yield* showSessions(json, found.slice(0, limit))
      yield* Format.more(found.length - limit)
    })
  )

// ---------------------------------------------------------------------------------------------------------------------
// figures
// ---------------------------------------------------------------------------------------------------------------------

/** `stats`: figures of the store, and of a time. */
export const stats = ({ json, limit, namespace, within }: Recent) =>
  withListing(
    Effect.gen(function* () {
      const all = yield* SessionAdmin.figures({ namespace, within })
      const found = { ...all, suspicious: all.suspicious.slice(0, limit) }
      yield* Format.show(json, encodeStats(found), (screen) =>
        statsText(screen, found, Format.length(within))
      )
      yield* Format.more(all.suspicious.length - limit)
    })
  )

type Stats = SessionAdmin.Figures

const encodeStats = ({ averageDuration, hourly, suspicious, usage, ...counts }: Stats) => ({
  usage: Schema.encodeSync(SessionAdmin.Usage)(usage),
  ...counts,
  averageDurationSeconds: Option.getOrNull(Option.map(averageDuration, Duration.toSeconds)),
  hourly: Schema.encodeSync(Schema.Array(SessionAdmin.Hour))(hourly),
  suspicious: Schema.encodeSync(Schema.Array(SessionAdmin.SuspiciousUser))(suspicious)
})

const statsText = (screen: Format.Surface, found: Stats, within: string): string => {
  const average = Option.match(found.averageDuration, { onNone: () => "-", onSome: Format.length })
  const summary = Format.table(
    screen,
    ["what", "number"],
    [
      ["live sessions", found.usage.sessions],
      ["sessions that are over and still kept", found.usage.ended],
      ["bytes of payload", found.usage.payloadBytes],
      [`sessions active within ${within}`, found.activeSessions],
      [`users active within ${within}`, found.activeUsers],
      ["average duration", average]
    ]
  )
  const hours = Format.table(
    screen,
    ["hour (UTC)", "sessions", "users"],
    found.hourly.map(({ sessions, start, users }) => [Format.instant(start), sessions, users])
  )
  const users = Format.table(
    screen,
    ["user with several addresses", "sessions", "addresses"],
    found.suspicious.map((one) => [one.userId, one.sessions, one.addresses.join(", ")])
  )
  return [summary, hours, ...(found.suspicious.length === 0 ? [] : [users])].join("\n\n")
}
