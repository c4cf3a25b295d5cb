/**
 * Reads the life of one session from an audit log. It reads from the end: so it learns the id from before a change of id
 * before it comes to the lines of that id, and it can stop where the session was created.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { attributes } from "./auditLine.js"

/**
 * A line of the audit log, read: an event with its `name` (`session.logged_in`) in place of `_tag`. Each field means what it
 * means in the `SessionEvent`.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuditEntry {
  readonly at: DateTime.Utc
  readonly name: string
  readonly id?: string
  /** The id that the session had before. */
  readonly from?: string
  readonly userId?: string
  readonly clientAddress?: string
  readonly count?: number
  readonly attempts?: number
  readonly reason?: string
  readonly guard?: string
  readonly policy?: string
  readonly actor?: string
}

const text = Schema.optionalWith(Schema.String, { exact: true })
const number = Schema.optionalWith(Schema.Number, { exact: true })

const Line = Schema.parseJson(
  Schema.Struct({
    at: Schema.propertySignature(Schema.DateTimeUtc).pipe(Schema.fromKey("timestamp")),
    name: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("event.name")),
    id: text.pipe(Schema.fromKey(attributes.id)),
    from: text.pipe(Schema.fromKey(attributes.from)),
    userId: text.pipe(Schema.fromKey(attributes.userId)),
    clientAddress: text.pipe(Schema.fromKey(attributes.clientAddress)),
    count: number.pipe(Schema.fromKey(attributes.count)),
    attempts: number.pipe(Schema.fromKey(attributes.attempts)),
    reason: text.pipe(Schema.fromKey(attributes.reason)),
    guard: text.pipe(Schema.fromKey(attributes.guard)),
    policy: text.pipe(Schema.fromKey(attributes.policy)),
    actor: text.pipe(Schema.fromKey(attributes.actor))
  })
)

const decode: (line: string) => Option.Option<AuditEntry> = Schema.decodeOption(Line)

/** Reads what happened to a session, the oldest first; the newest thousand events, if there are more. */
export const readLife = (
  path: string,
  id: string
): Effect.Effect<ReadonlyArray<AuditEntry>, PlatformError, FileSystem.FileSystem> =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const file = yield* files.open(path, { flag: "r" })
      const { size } = yield* file.stat
      const life = makeLife(id)
      yield* forEachLineFromEnd(file, Number(size), life.take)
      return life.entries()
    })
  )

const mostEntries = 1000

/** Takes lines, the newest first, and keeps those of one session. */
const makeLife = (id: string) => {
  const ids = new Set([id])
  const found: Array<AuditEntry> = []
  /** Takes a line; `false` when no older one is wanted. */
  const take = (line: string): boolean => {
    // Most lines are of other sessions, and are not parsed.
    const named = /"session\.id":\s*"(\w+)"/.exec(line)?.[1]
    if (named === undefined || !ids.has(named)) return true
    const entry = Option.getOrUndefined(decode(line))
    if (entry?.id !== named) return true
    found.push(entry)
    if (entry.from !== undefined) ids.add(entry.from)
    return entry.name !== "session.created" && found.length < mostEntries
  }
  const entries = () => found.reverse().sort((a, b) => a.at.epochMillis - b.at.epochMillis)
  return { take, entries }
}

const chunkBytes = 64 * 1024

/** A line that is longer is none of the audit log. */
const longestLine = 1024 * 1024

/** Hands over the lines of a file, the last one first, until one is answered with `false`. */
const forEachLineFromEnd = (
  file: FileSystem.File,
  size: number,
  take: (line: string) => boolean
): Effect.Effect<void, PlatformError> =>
  Effect.gen(function* () {
    const decoder = new TextDecoder()
    let rest = new Uint8Array(0)
    for (let end = size; end > 0; end -= chunkBytes) {
      const begin = Math.max(0, end - chunkBytes)
      yield* file.seek(BigInt(begin), "start")
      const chunk = yield* file.readAlloc(end - begin)
      const bytes = joined(
        Option.getOrElse(chunk, () => new Uint8Array(0)),
        rest
      )
      // What stands before the first line end goes on in the chunk before.
      const first = begin === 0 ? 0 : bytes.indexOf(10) + 1
      const isWhole = begin === 0 || first > 0
      const lines = isWhole ? decoder.decode(bytes.subarray(first)).split("\n") : []
      for (const line of lines.reverse()) if (!take(line)) return
      rest = isWhole ? bytes.slice(0, first) : bytes
      if (rest.length > longestLine) rest = new Uint8Array(0)
    }
  })

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> => {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
