/** Reading the life of a session from an audit log. */
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { auditLine } from "../src/internal/events/auditLine.js"
import * as SessionEvents from "../src/SessionEvents.js"

const idOf = (letter: string) => letter.repeat(40)
const [guest, member, renewed, other] = ["a", "b", "c", "d"].map(idOf) as [
  string,
  string,
  string,
  string
]

const at = (millis: number) => DateTime.unsafeMake(millis)

/** A guest who logs in, whose id is renewed, and whose session is ended by an operator. */
const life: ReadonlyArray<SessionEvents.SessionEvent> = [
  { _tag: "Created", id: guest, at: at(1) },
  { _tag: "Regenerated", id: member, from: guest, reason: "login", userId: "ann", at: at(2) },
  { _tag: "LoggedIn", id: member, userId: "ann", clientAddress: "1.2.3.4", at: at(3) },
  { _tag: "Regenerated", id: renewed, from: member, reason: "migrate", userId: "ann", at: at(4) },
  { _tag: "Revoked", id: renewed, reason: "revoke", count: 1, actor: "ops", at: at(5) }
]

/** What other sessions and nobody's sessions do, `lines` times. */
const noise = (lines: number): ReadonlyArray<SessionEvents.SessionEvent> =>
  Array.from({ length: lines }, (_, index) =>
    index % 2 === 0
      ? { _tag: "LoggedIn", id: other, userId: `Zoë ${index} ☃`, at: at(index) }
      : { _tag: "Expired", count: index, at: at(index) }
  )

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "effect-session-audit-"))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const textOf = (events: ReadonlyArray<SessionEvents.SessionEvent>) =>
  events.map((event) => `${auditLine(event)}\n`).join("")

const write = async (name: string, text: string) => {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

const read = (path: string, id: string) =>
  Effect.runPromise(Effect.provide(SessionEvents.readAuditLog(path)(id), NodeFileSystem.layer))

const namesOf = (entries: ReadonlyArray<SessionEvents.AuditEntry>) =>
  entries.map(({ name }) => name.replace("session.", ""))

const wholeLife = ["created", "regenerated", "logged_in", "regenerated", "revoked"]

describe("readAuditLog", () => {
  it("gives the life of a session under all of its ids, the oldest first", async () => {
    const path = await write("life", textOf(life.flatMap((event) => [...noise(3), event])))

    expect(namesOf(await read(path, renewed))).toEqual(wholeLife)
  })

  it("gives every field that the line has", async () => {
    const path = await write("fields", textOf(life))

    const [, , loggedIn, , revoked] = await read(path, renewed)

    expect(loggedIn).toEqual({
      at: at(3),
      name: "session.logged_in",
      id: member,
      userId: "ann",
      clientAddress: "1.2.3.4"
    })
    expect(revoked).toMatchObject({ reason: "revoke", count: 1, actor: "ops" })
  })

  it("of an id from before a change gives what happened until then", async () => {
    const path = await write("before", textOf(life))

    expect(namesOf(await read(path, member))).toEqual(["created", "regenerated", "logged_in"])
  })

  it("finds lines that lie across the pieces it reads, and in pieces of other bytes", async () => {
    const path = await write("large", "")
    for (const event of life) await appendFile(path, textOf([...noise(4001), event]))

    expect(namesOf(await read(path, renewed))).toEqual(wholeLife)
  })

  it("passes over lines that are no events, and over the half of a line at the end", async () => {
    const [first = "", ...others] = life.map(auditLine)
    const broken = [first, "", "no JSON", `{"session.id":"${renewed}"}`, "\u0000".repeat(3_000_000)]
    const half = auditLine({ _tag: "Destroyed", id: renewed, reason: "guard", at: at(6) })
    const lines = [...broken, ...others, half.slice(0, -5)]
    const path = await write("broken", lines.join("\n"))

    expect(namesOf(await read(path, renewed))).toEqual(wholeLife)
  })

  it("takes no line for that of a session because its text says so", async () => {
    const trick: SessionEvents.SessionEvent = {
      _tag: "LoggedIn",
      id: other,
      userId: `"session.id":"${guest}"`,
      at: at(1)
    }
    const path = await write("trick", textOf([...life.slice(0, 1), trick]))

    expect(namesOf(await read(path, guest))).toEqual(["created"])
  })

  it("of more than a thousand events gives the newest", async () => {
    const replays = Array.from(
      { length: 1200 },
      (_, index): SessionEvents.SessionEvent => ({
        _tag: "ConflictReplayed",
        id: guest,
        attempts: 1,
        at: at(10 + index)
      })
    )
    const path = await write("many", textOf([...life.slice(0, 1), ...replays]))

    const entries = await read(path, guest)

    expect(entries).toHaveLength(1000)
    expect(entries.at(-1)?.at).toEqual(at(1209))
  })

  it("reads no further than to the line where the session was created", async () => {
    const path = await write("tail", `${textOf(noise(20_000))}${textOf(life)}`)
    let bytes = 0
    const counting = Effect.map(FileSystem.FileSystem, (files) =>
      FileSystem.FileSystem.of({
        ...files,
        open: (name, options) =>
          Effect.map(files.open(name, options), (file) => ({
            ...file,
            [FileSystem.FileTypeId]: FileSystem.FileTypeId,
            stat: file.stat,
            seek: (offset, from) => file.seek(offset, from),
            readAlloc: (size) => {
              bytes += Number(size)
              return file.readAlloc(size)
            }
          }))
      })
    )

    const entries = await Effect.runPromise(
      SessionEvents.readAuditLog(path)(renewed).pipe(
        Effect.provideServiceEffect(FileSystem.FileSystem, counting),
        Effect.provide(NodeFileSystem.layer)
      )
    )

    expect(namesOf(entries)).toEqual(wholeLife)
    expect(bytes).toBeLessThan(100_000)
  })

  it("fails where there is no file", async () => {
    const missing = Effect.flip(SessionEvents.readAuditLog(join(directory, "none"))(guest))

    const error = await Effect.runPromise(Effect.provide(missing, NodeFileSystem.layer))

    expect(error.message).toContain("NotFound")
  })

  it("finds nothing of a session that the log does not know", async () => {
    const path = await write("unknown", textOf(life))

    expect(await read(path, idOf("9"))).toEqual([])
  })
})
