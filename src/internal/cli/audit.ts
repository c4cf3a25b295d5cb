/** `audit`: the users who were seen from several addresses, or the events of an audit log. */
import * as Command from "@effect/cli/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SessionAdmin from "../../SessionAdmin.js"
import { toCliError } from "./CliError.js"
import * as Format from "./format.js"
import { json, namespace, optionalText, within } from "./options.js"
import { withStore } from "./store.js"

/** `audit`: of the store, or with `--log` of a file. */
export const audit = Command.make(
  "audit",
  {
    json,
    namespace,
    within: within("1 hour"),
    user: optionalText("user", "Only this user."),
    log: optionalText(
      "log",
      "Show the events of this file, which SessionEvents.layerAuditFile wrote."
    )
  },
  ({ json, log, user, ...question }) =>
    log === undefined
      ? showUsers(json, { ...question, userId: user })
      : showEvents(json, log, question.within, user)
).pipe(
  Command.withDescription(
    "Shows the users who were seen from several addresses with their sessions, or the events of an audit log."
  )
)

const showUsers = (json: boolean, question: Parameters<typeof SessionAdmin.suspicious>[0]) =>
  withStore(
    Effect.gen(function* () {
      const audited = yield* SessionAdmin.audit(question)
      const encoded = Schema.encodeSync(Schema.Array(SessionAdmin.AuditedUser))(audited)
      const texts = audited.map(
        ({ addresses, sessions, userId }) =>
          `${Format.printable(userId)}, from ${addresses.length} addresses:\n${Format.sessions(sessions)}`
      )
      yield* Format.show(
        json,
        encoded,
        () => texts.join("\n\n") || "No user was seen from several addresses."
      )
    })
  )

// ---------------------------------------------------------------------------------------------------------------------
// the log
// ---------------------------------------------------------------------------------------------------------------------

const Line = Schema.parseJson(
  Schema.Struct(
    { timestamp: Schema.String, "event.name": Schema.String },
    { key: Schema.String, value: Schema.Unknown }
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
    yield* Format.show(json, { events, unreadable }, () => eventsText(events, unreadable))
  })

/** Reads the log line by line. It counts the lines it cannot read, since a log that was cut off is still a log. */
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
  }).pipe(Effect.mapError(toCliError))

const eventsText = (events: ReadonlyArray<Line>, unreadable: number): string => {
  const head = ["time", "event", "user", "address", "session", "more"]
  const shown = events.length === 0 ? "No events." : Format.columns(head, events.map(cellsOf))
  const note = `\n${Format.counted(unreadable, "line")} could not be read.`
  return unreadable === 0 ? shown : shown + note
}

const cellsOf = (event: Line): ReadonlyArray<unknown> => {
  const {
    timestamp,
    "event.name": name,
    "user.id": user = "-",
    "client.address": address = "-",
    "session.id": session = "-",
    ...more
  } = event
  const rest = Object.entries(more).map(([key, value]) => `${key}=${value}`)
  return [timestamp, name, user, address, session, rest.join(" ")]
}
