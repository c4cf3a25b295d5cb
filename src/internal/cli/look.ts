/** The commands that only look: `list`, `active`, `stats`. Each takes one pass over the store, at most. */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { matches } from "../../core/record/record.js"
import * as SessionAdmin from "../../SessionAdmin.js"
import * as SessionStore from "../../SessionStore.js"
import * as Format from "./format.js"
import { withStore } from "./store.js"

/** What the commands are asked. */
interface Question {
  readonly json: boolean
  readonly namespace: string
}

/** The same, about those who were here within a time. */
interface Recent extends Question {
  readonly within: Duration.Duration
}

export const encodeSessions = Schema.encodeSync(Schema.Array(SessionAdmin.SessionSummary))

const showSessions = (json: boolean, list: ReadonlyArray<SessionAdmin.SessionSummary>) =>
  Format.show(json, encodeSessions(list), () => sessionsText(list))

export const sessionsText = (list: ReadonlyArray<SessionAdmin.SessionSummary>): string =>
  list.length === 0
    ? "No sessions."
    : Format.columns(
        ["id", "user", "address", "last activity", "expires", "bytes", "agent"],
        list.map((one) => [
          one.id,
          Option.getOrElse(one.userId, () => "-"),
          Option.getOrElse(one.ipAddress, () => "-"),
          Format.instant(one.lastActivity),
          Format.instant(one.expiresAt),
          one.payloadBytes,
          Option.getOrElse(one.userAgent, () => "-").slice(0, 60)
        ])
      )

/** `list`: sessions in no particular order. */
export const list = ({
  all,
  json,
  limit,
  namespace,
  user
}: Question & {
  readonly all: boolean
  readonly limit: number
  readonly user: string | undefined
}) => {
  const state = all ? "all" : "live"
  // One more than is shown tells whether there are more.
  const sessions = Stream.take(SessionAdmin.stream({ namespace, userId: user, state }), limit + 1)
  return withStore(
    Effect.flatMap(Stream.runCollect(sessions), (found) =>
      Effect.zipRight(
        showSessions(json, Chunk.toReadonlyArray(Chunk.take(found, limit))),
        Effect.when(
          Console.error("There are more sessions. To see them, raise --limit."),
          () => Chunk.size(found) > limit
        )
      )
    )
  )
}

/** `active`: who was here recently. */
export const active = ({ json, ...recent }: Recent) =>
  withStore(Effect.flatMap(SessionAdmin.active(recent), (found) => showSessions(json, found)))

// ---------------------------------------------------------------------------------------------------------------------
// figures
// ---------------------------------------------------------------------------------------------------------------------

/** `stats`: figures of the store, and of a time. */
export const stats = ({ json, namespace, within }: Recent) =>
  withStore(
    Effect.flatMap(inOnePass(namespace, gather({ namespace, within })), (found) =>
      Format.show(json, encodeStats(found), () => statsText(found, Format.length(within)))
    )
  )

/** Answers any number of questions about a namespace from one listing of it. */
const inOnePass = <A, E>(
  namespace: string,
  questions: Effect.Effect<A, E, SessionStore.SessionStore>
) =>
  Effect.gen(function* () {
    const store = yield* SessionStore.SessionStore
    const listed = yield* Stream.runCollect(store.entries({ namespace, state: "all" }))
    const { find, insert, update, move, remove } = store
    const entries: typeof store.entries = (filter) =>
      Stream.unwrap(
        Effect.map(Clock.currentTimeMillis, (now) =>
          Stream.fromChunk(Chunk.filter(listed, (entry) => matches(filter, entry, now)))
        )
      )
    const snapshot = SessionStore.make({ find, insert, update, move, remove, entries })
    return yield* Effect.provideService(questions, SessionStore.SessionStore, snapshot)
  })

const gather = (recent: SessionAdmin.Within) =>
  Effect.all({
    usage: SessionAdmin.usageWith(recent),
    activeSessions: SessionAdmin.countActive(recent),
    activeUsers: SessionAdmin.countActiveUsers(recent),
    averageDuration: SessionAdmin.averageDuration(recent),
    hourly: SessionAdmin.hourly(recent),
    suspicious: SessionAdmin.suspicious(recent)
  })

type Stats = Effect.Effect.Success<ReturnType<typeof gather>>

const encodeStats = ({ averageDuration, hourly, suspicious, usage, ...counts }: Stats) => ({
  usage: Schema.encodeSync(SessionAdmin.Usage)(usage),
  ...counts,
  averageDurationSeconds: Option.getOrNull(Option.map(averageDuration, Duration.toSeconds)),
  hourly: Schema.encodeSync(Schema.Array(SessionAdmin.Hour))(hourly),
  suspicious: Schema.encodeSync(Schema.Array(SessionAdmin.SuspiciousUser))(suspicious)
})

const statsText = (found: Stats, within: string): string => {
  const average = Option.match(found.averageDuration, { onNone: () => "-", onSome: Format.length })
  const summary = Format.columns(
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
  const hours = Format.columns(
    ["hour (UTC)", "sessions", "users"],
    found.hourly.map(({ sessions, start, users }) => [Format.instant(start), sessions, users])
  )
  const users = Format.columns(
    ["user with several addresses", "sessions", "addresses"],
    found.suspicious.map((one) => [one.userId, one.sessions, one.addresses.join(", ")])
  )
  return [summary, hours, ...(found.suspicious.length === 0 ? [] : [users])].join("\n\n")
}
