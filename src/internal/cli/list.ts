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
import * as Format from "./format.js"
import { json, namespace, optionalText, within } from "./options.js"
import { withStore } from "./store.js"

const showSessions = (asJson: boolean, list: ReadonlyArray<SessionAdmin.SessionSummary>) =>
  Format.show(asJson, Format.encodeSessions(list), () => Format.sessions(list))

/** `list`: sessions in no particular order. */
export const list = Command.make(
  "list",
  {
    json,
    namespace,
    user: optionalText("user", "Only sessions of this user."),
    all: Options.boolean("all").pipe(
      Options.withDescription("Also sessions that are over and still kept.")
    ),
    limit: Options.integer("limit").pipe(
      Options.withDefault(100),
      Options.withDescription("How many sessions to list at most. Default: 100."),
      Options.filterMap(
        Option.liftPredicate((limit) => limit >= 1),
        "--limit must be at least 1."
      )
    )
  },
  ({ all, json, limit, namespace, user }) => {
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
).pipe(Command.withDescription("Lists sessions."))

/** `active`: who was here recently. */
export const active = Command.make(
  "active",
  { json, namespace, within: within("15 minutes") },
  ({ json, namespace, within }) =>
    withStore(
      Effect.flatMap(SessionAdmin.active({ namespace, within }), (found) =>
        showSessions(json, found)
      )
    )
).pipe(Command.withDescription("Lists the sessions that were active recently, the latest first."))

/** `stats`: figures of the store, and of a time. */
export const stats = Command.make(
  "stats",
  { json, namespace, within: within("24 hours") },
  ({ json, namespace, within }) =>
    withStore(
      Effect.flatMap(gather(namespace, within), (found) =>
        Format.show(json, encodeStats(found), () => statsText(found, Format.length(within)))
      )
    )
).pipe(
  Command.withDescription(
    "Shows how many sessions there are, how long they last, the hours, and users with several addresses."
  )
)

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
