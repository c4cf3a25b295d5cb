/** `audit`: of the store, and of a log that `SessionEvents` wrote. */
import { appendFileSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { SessionEvents } from "../../src/index.js"
import { aRecord, filesIn, inPlace, seed } from "./support.js"

const hour = 3_600_000
const id = "a".repeat(40)

const writeLog = (file: string, events: ReadonlyArray<SessionEvents.SessionEvent>) =>
  Effect.forEach(events, SessionEvents.publish, { discard: true }).pipe(
    Effect.provide(
      SessionEvents.layerAuditFile(file).pipe(
        Layer.provide(NodeContext.layer),
        Layer.provideMerge(SessionEvents.layer)
      )
    ),
    Effect.runPromise
  )

describe("effect-session audit", () => {
  it("shows the users who were seen from several addresses, with their sessions of that time", () =>
    inPlace(async ({ files, run }) => {
      const ada = (ipAddress: string, ago = 0) =>
        aRecord({
          userId: "ada",
          ipAddress,
          createdAtMillis: Date.now() - ago,
          lastActivityMillis: Date.now() - ago
        })
      const [first, second, old] = [ada("192.0.2.1"), ada("192.0.2.2"), ada("192.0.2.3", 2 * hour)]
      await seed(filesIn(files), [first, second, old, aRecord({ userId: "bob" }), aRecord()])

      const json = await run(["audit", "--json"])
      const text = await run(["audit"])
      const longer = await run(["audit", "--json", "--within", "3 hours", "--user", "ada"])
      const bob = await run(["audit", "--user", "bob"])

      const [audited] = JSON.parse(json.output)
      expect(audited).toMatchObject({ userId: "ada", addresses: ["192.0.2.1", "192.0.2.2"] })
      expect(audited.sessions.map((session: { id: string }) => session.id).sort()).toEqual(
        [first.id, second.id].sort()
      )
      expect(text.output).toContain("ada, from 2 addresses:")
      expect(text.output).toContain(first.id)
      expect(JSON.parse(longer.output)[0].addresses).toHaveLength(3)
      expect(bob.output).toBe("No user was seen from several addresses.\n")
    }))

  it("shows the events of a log within a time and of a user, whatever line is damaged", () =>
    inPlace(async ({ directory, run }) => {
      const file = join(directory, "audit.jsonl")
      const now = Date.now()
      await writeLog(file, [
        {
          _tag: "Created",
          id,
          userId: "ada",
          clientAddress: "192.0.2.1",
          at: DateTime.unsafeMake(now)
        },
        {
          _tag: "Revoked",
          count: 2,
          reason: "revokeUser",
          userId: "bob",
          actor: "ops",
          at: DateTime.unsafeMake(now)
        },
        { _tag: "Created", id, userId: "ada", at: DateTime.unsafeMake(now - 2 * hour) }
      ])
      appendFileSync(file, '{"timestamp":"20')

      const json = await run(["audit", "--json", "--log", file])
      const ada = await run(["audit", "--log", file, "--user", "ada", "--within", "1 day"])

      expect(JSON.parse(json.output)).toMatchObject({
        events: [
          { "event.name": "session.created", "session.id": id, "user.id": "ada" },
          { "event.name": "session.revoked", "effect_session.count": 2 }
        ],
        unreadable: 1
      })
      expect(ada.output.match(/session\.created/g)).toHaveLength(2)
      expect(ada.output).not.toContain("session.revoked")
      expect(ada.output).toContain("1 line could not be read.")
    }))

  it("shows who ended sessions from the command line, where revoke and clear were given the log", () =>
    inPlace(async ({ directory, files, run }) => {
      const log = join(directory, "audit.jsonl")
      const one = aRecord({ userId: "ada" })
      const others = ["bob", "bob", "eve"].map((userId) => aRecord({ userId }))
      await seed(filesIn(files), [one, ...others])

      await run(["revoke", one.id, "--log", log])
      await run(["revoke", "--user", "bob", "--log", log])
      await run(["clear", "--yes", "--log", log])
      const shown = await run(["audit", "--log", log, "--json"])

      const actor = `cli:${userInfo().username}`
      expect(JSON.parse(shown.output).events).toMatchObject([
        {
          "effect_session.reason": "revoke",
          "session.id": one.id,
          "user.id": "ada",
          "effect_session.actor": actor
        },
        {
          "effect_session.reason": "revokeUser",
          "user.id": "bob",
          "effect_session.count": 2,
          "effect_session.actor": actor
        },
        {
          "effect_session.reason": "revokeAll",
          "effect_session.count": 1,
          "effect_session.actor": actor
        }
      ])
    }))

  it("a log that cannot be written to is one sentence, exit 1, and ends nothing", () =>
    inPlace(async ({ directory, files, run }) => {
      await seed(filesIn(files), [aRecord({ userId: "ada" })])

      const outcome = await run(["revoke", "--user", "ada", "--log", directory])

      expect(outcome).toMatchObject({ code: 1, output: "" })
      expect(outcome.errors.trim().split("\n")).toHaveLength(1)
      expect(JSON.parse((await run(["list", "--json"])).output)).toHaveLength(1)
    }))

  it("of a log that is missing is one sentence, and exit 1", () =>
    inPlace(async ({ directory, run }) => {
      const outcome = await run(["audit", "--log", join(directory, "none.jsonl")])

      expect(outcome).toMatchObject({ code: 1, output: "" })
      expect(outcome.errors.trim().split("\n")).toHaveLength(1)
      expect(outcome.errors).toContain("none.jsonl")
    }))
})
