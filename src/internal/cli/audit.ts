/** `audit`: the users who were seen from several addresses, or the events of an audit log. */
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
import { encodeSessions, sessionsTable } from "./look.js"
import { withListing } from "./store.js"

/** What `audit` is asked. */
interface Question {
  readonly json: boolean
  readonly limit: number
  readonly log: string | undefined
  readonly namespace: string
  readonly user: string | undefined
  readonly within: Duration.Duration
}

/** `audit`: of the store, or with `--log` of a file. */
export const audit = (question: Question) =>
  question.log === undefined ? withListing(showUsers(question)) : showEvents(question, question.log)

const showUsers = ({ json, limit, user: userId, ...recent }: Question) =>
  Effect.gen(function* () {
    const found = yield* SessionAdmin.audit({ ...recent, userId })
    const users = found.slice(0, limit)
    const encoded = users.map(({ sessions, ...user }) => ({
      ...user,
      sessions: encodeSessions(sessions.slice(0, limit))
    }))
    yield* Format.show(json, encoded, (screen) => {
      const texts = users.map(({ addresses, sessions, userId }) => {
        const title = `${Format.printable(userId)}, from ${addresses.length} addresses:`
        const more = sessions.length > limit ? `\n${sessions.length - limit} more: --limit` : ""
        return `${Format.painted(screen, "bold", title)}\n${sessionsTable(screen, sessions.slice(0, limit))}${more}`
      })
      return texts.join("\n\n") || "No user was seen from several addresses."
    })
    yield* Format.more(found.length - limit)
  })

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

const showEvents = ({ json, limit, user, within }: Question, file: string) =>
  Effect.gen(function* () {
    const since = (yield* Clock.currentTimeMillis) - Duration.toMillis(within)
    const { events, unreadable } = yield* read(
      file,
      (line) =>
        Date.parse(line.timestamp) >= since && (user === undefined || line["user.id"] === user)
    )
    // The latest are at the end.
    const latest = events.slice(-limit)
    yield* Format.show(json, { events: latest, unreadable }, (screen) =>
      eventsText(screen, latest, unreadable)
    )
    yield* Format.more(events.length - limit)
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

const eventsText = (
  screen: Format.Surface,
  events: ReadonlyArray<Line>,
  unreadable: number
): string => {
  const head = ["time", "event", "user", "address", "session", "more"]
  const shown = events.length === 0 ? "No events." : Format.table(screen, head, events.map(cellsOf))
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
