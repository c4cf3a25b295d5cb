/** The commands that only look: `list`, `active`, `stats`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SessionAdmin from "../../SessionAdmin.js"
import { durationOf, json, namespace, within } from "./options.js"
import * as Present from "./present.js"
import { Problem } from "./problem.js"
import { withStore } from "./store.js"

const encodeSessions = Schema.encodeSync(Schema.Array(SessionAdmin.SessionSummary))

const showSessions = (asJson: boolean, list: ReadonlyArray<SessionAdmin.SessionSummary>) =>
  Present.show(asJson, encodeSessions(list), () => Present.sessions(list))

/** `list`: sessions in no particular order, at most so many. */
export const list = Command.make(
  "list",
  {
    json,
    namespace,
    user: Options.optional(
      Options.text("user").pipe(Options.withDescription("Only sessions of this user."))
    ),
    all: Options.boolean("all").pipe(
      Options.withDescription("Also sessions that ended and are still kept.")
    ),
    limit: Options.integer("limit").pipe(
      Options.withDefault(100),
      Options.withDescription("At most so many, from 1; 100 by default.")
    )
  },
  ({ all, json, limit, namespace, user }) => {
    if (limit < 1) return new Problem({ message: "--limit must be a number from 1." })
    const sessions = SessionAdmin.stream({
      namespace,
      userId: Option.getOrUndefined(user),
      state: all ? "all" : "live"
    })
    return withStore(
      // One more, to tell whether there are more.
      Effect.flatMap(Stream.runCollect(Stream.take(sessions, limit + 1)), (found) =>
        Effect.zipRight(
          showSessions(json, Chunk.toReadonlyArray(Chunk.take(found, limit))),
          Effect.when(
            Console.error(`There are more than ${limit}: see --limit.`),
            () => Chunk.size(found) > limit
          )
        )
      )
    )
  }
).pipe(Command.withDescription("Lists sessions."))

/** `active`: who was here recently. */
export const active = Command.make(
  "active",
  { json, namespace, within: within("15 minutes") },
  ({ json, namespace, within }) =>
    Effect.flatMap(durationOf("within", within), (duration) =>
      withStore(
        Effect.flatMap(SessionAdmin.active({ namespace, within: duration }), (found) =>
          showSessions(json, found)
        )
      )
    )
).pipe(Command.withDescription("Lists the sessions that were active recently, the latest first."))

/** `stats`: how many, how long, when, and who from several addresses. */
export const stats = Command.make(
  "stats",
  { json, namespace, within: within("24 hours") },
  ({ json, namespace, within }) =>
    Effect.flatMap(durationOf("within", within), (duration) =>
      withStore(
        Effect.flatMap(gather(namespace, duration), (found) =>
          Present.show(json, encodeStats(found), () => statsText(found, within))
        )
      )
    )
).pipe(Command.withDescription("Shows usage, concurrent users, durations, hours and addresses."))

const gather = (namespace: string, within: Duration.Duration) =>
  Effect.all({
    usage: SessionAdmin.usageWith({ namespace }),
    activeSessions: SessionAdmin.countActive({ namespace, within }),
    activeUsers: SessionAdmin.countActiveUsers({ namespace, within }),
    averageDuration: SessionAdmin.averageDuration({ namespace, within }),
    hourly: SessionAdmin.hourly({ namespace, within }),
    suspicious: SessionAdmin.suspicious({ namespace, within })
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
  const { activeSessions, activeUsers, averageDuration, hourly, suspicious, usage } = found
  const summary = Present.columns(
    ["what", "number"],
    [
      ["live sessions", String(usage.sessions)],
      ["ended sessions, still kept", String(usage.ended)],
      ["bytes of payload", String(usage.payloadBytes)],
      [`sessions active within ${within}`, String(activeSessions)],
      [`users active within ${within}`, String(activeUsers)],
      [
        "average duration",
        Option.match(averageDuration, { onNone: () => "-", onSome: Present.length })
      ]
    ]
  )
  const hours = Present.columns(
    ["hour (UTC)", "sessions", "users"],
    hourly.map(({ sessions, start, users }) => [
      Present.instant(start),
      String(sessions),
      String(users)
    ])
  )
  const users = Present.columns(
    ["user from several addresses", "sessions", "addresses"],
    suspicious.map((one) => [one.userId, String(one.sessions), one.addresses.join(", ")])
  )
  return [summary, hours, ...(suspicious.length === 0 ? [] : [users])].join("\n\n")
}
