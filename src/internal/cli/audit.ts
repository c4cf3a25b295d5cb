/** `audit`: the users who were seen from several addresses, or what the audit log of `SessionEvents` says. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
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

/** `audit`: of the store, or with `--log` of a file. */
export const audit = Command.make(
  "audit",
  {
    json,
    namespace,
    within: within("1 hour"),
    user: Options.optional(
      Options.text("user").pipe(Options.withDescription("Only what is about this user."))
    ),
    log: Options.optional(
      Options.text("log").pipe(
        Options.withDescription("An audit log of SessionEvents.layerAuditFile: show its events.")
      )
    )
  },
  ({ json, log, namespace, user, within }) =>
    Effect.flatMap(durationOf("within", within), (duration) => {
      const userId = Option.getOrUndefined(user)
      return Option.match(log, {
        onNone: () => showUsers(json, { namespace, within: duration, userId }),
        onSome: (file) => showEvents(json, file, duration, userId)
      })
    })
).pipe(
  Command.withDescription(
    "Shows the sessions of users who were seen from several addresses, or the events of an audit log."
  )
)

interface Question {
  readonly namespace: string
  readonly within: Duration.Duration
  readonly userId: string | undefined
}

/** A user who was seen from several addresses, with the sessions of that time. */
interface Audited {
  readonly user: SessionAdmin.SuspiciousUser
  readonly sessions: ReadonlyArray<SessionAdmin.SessionSummary>
}

const showUsers = (json: boolean, question: Question) =>
  withStore(
    Effect.flatMap(auditedOf(question), (audited) =>
      Present.show(json, audited.map(encodeAudited), () => usersText(audited))
    )
  )

const auditedOf = (question: Question) =>
  Effect.flatMap(SessionAdmin.suspicious(question), (users) =>
    Effect.forEach(users, (user) =>
      Effect.map(
        Stream.runCollect(SessionAdmin.stream({ ...question, userId: user.userId, state: "all" })),
        (sessions): Audited => ({ user, sessions: Chunk.toReadonlyArray(sessions) })
      )
    )
  )

const encodeUser = Schema.encodeSync(SessionAdmin.SuspiciousUser)
const encodeSessions = Schema.encodeSync(Schema.Array(SessionAdmin.SessionSummary))

const encodeAudited = ({ sessions, user }: Audited) => ({
  userId: encodeUser(user).userId,
  addresses: user.addresses,
  sessions: encodeSessions(sessions)
})

const usersText = (audited: ReadonlyArray<Audited>): string =>
  audited.length === 0
    ? "No user was seen from several addresses."
    : audited
        .map(
          ({ sessions, user }) =>
            `${Present.printable(user.userId)}, from ${user.addresses.length} addresses:\n${Present.sessions(sessions)}`
        )
        .join("\n\n")

// ---------------------------------------------------------------------------------------------------------------------
// the log
// ---------------------------------------------------------------------------------------------------------------------

const Line = Schema.parseJson(
  Schema.Struct(
    { timestamp: Schema.String, "event.name": Schema.String },
    {
      key: Schema.String,
      value: Schema.Unknown
    }
  )
)

type Line = typeof Line.Type

const decodeLine = Schema.decodeUnknownOption(Line)

const showEvents = (
  json: boolean,
  file: string,
  within: Duration.Duration,
  userId: string | undefined
) =>
  Effect.gen(function* () {
    const since = (yield* Clock.currentTimeMillis) - Duration.toMillis(within)
    const { events, unreadable } = yield* read(
      file,
      (line) =>
        Date.parse(line.timestamp) >= since && (userId === undefined || line["user.id"] === userId)
    )
    yield* Present.show(json, { events, unreadable }, () => eventsText(events, unreadable))
  })

/** Reads the log line by line; a line that is none is counted, because a log that was cut off is still a log. */
const read = (file: string, isWanted: (line: Line) => boolean) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const events: Array<Line> = []
    let unreadable = 0
    yield* fs.stream(file).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((text) =>
        Effect.sync(() => {
          const line = decodeLine(text)
          if (Option.isNone(line)) unreadable += text === "" ? 0 : 1
          else if (isWanted(line.value)) events.push(line.value)
        })
      )
    )
    return { events, unreadable }
  }).pipe(
    Effect.catchTags({
      SystemError: ({ message }) => new Problem({ message }),
      BadArgument: ({ message }) => new Problem({ message })
    })
  )

const eventsText = (events: ReadonlyArray<Line>, unreadable: number): string => {
  const shown =
    events.length === 0
      ? "No events."
      : Present.columns(
          ["time", "event", "user", "address", "session", "more"],
          events.map((event) => {
            const {
              timestamp,
              "event.name": name,
              "user.id": user = "-",
              "client.address": address = "-",
              "session.id": session = "-",
              ...more
            } = event
            const rest = Object.entries(more).map(([key, value]) => `${key}=${value}`)
            return [timestamp, name, user, address, session, rest.join(" ")].map(String)
          })
        )
  const note = `${Present.counted(unreadable, "line")} could not be read.`
  return unreadable === 0 ? shown : `${shown}\n${note}`
}
