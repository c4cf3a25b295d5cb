/** A server whose session files are damaged: X7 and X8. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpApp, HttpServerResponse } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer, Logger, Option, PubSub } from "effect"
import { describe, expect, it, onTestFinished } from "vitest"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as Session from "../../src/Session.js"
import * as SessionEvents from "../../src/SessionEvents.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"

const app = SessionMiddleware.middleware(
  Effect.gen(function* () {
    const before = Option.getOrNull(yield* Session.get("word"))
    if (before === null) yield* Session.put("word", "kept")
    return HttpServerResponse.unsafeJson({ before })
  })
)

/** A server on files, with one session that was stored. */
const aServer = async () => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-damage-"))
  const hub = await Effect.runPromise(PubSub.unbounded<SessionEvents.SessionEvent>())
  const { handler, dispose } = HttpApp.toWebHandlerLayer(
    Effect.orDie(app),
    Layer.mergeAll(
      Layer.provide(FileSystemSessionStore.layer({ directory, fsync: false }), NodeContext.layer),
      Layer.succeed(SessionEvents.SessionEvents, hub),
      Logger.remove(Logger.defaultLogger)
    )
  )
  onTestFinished(async () => {
    await dispose()
    rmSync(directory, { recursive: true, force: true })
  })
  const first = await handler(new Request("http://localhost/"))
  const cookie = (first.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? ""
  const names = readdirSync(directory, { recursive: true }).map(String)
  const file = join(directory, names.find((name) => name.includes("sess_")) ?? "")
  return { handler, hub, cookie, file, whole: readFileSync(file) }
}

/** What came of a request, and how many payloads were reported as discarded. */
const visitedWith = async (
  { handler, hub, cookie, file }: Awaited<ReturnType<typeof aServer>>,
  bytes: Uint8Array
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const events = yield* PubSub.subscribe(hub)
        writeFileSync(file, bytes)
        const request = new Request("http://localhost/", { headers: { cookie } })
        const response = yield* Effect.promise(() => handler(request))
        const body = yield* Effect.promise(() => response.json())
        const published = [...(yield* events.takeAll)]
        const discarded = published.filter(({ _tag }) => _tag === "PayloadDiscarded").length
        return { status: response.status, body, discarded }
      })
    )
  )

const voided = { status: 200, body: { before: null }, discarded: 1 }

describe("a session's file", () => {
  it("X7 that was cut off at any byte is no session, and an event says so", async () => {
    const server = await aServer()

    const lengths = Array.from({ length: server.whole.length }, (_, length) => length)
    const answers = []
    for (const length of lengths) {
      answers.push(await visitedWith(server, server.whole.subarray(0, length)))
    }

    expect(lengths.length).toBeGreaterThan(300)
    expect(answers).toEqual(lengths.map(() => voided))
    expect(await visitedWith(server, server.whole)).toEqual({
      status: 200,
      body: { before: "kept" },
      discarded: 0
    })
  })

  it("X8 in which any one bit was changed is no session, and an event says so", async () => {
    const server = await aServer()
    // A step that is prime to the number of bits, so that a thousand of them are spread over the whole file.
    const flips = Array.from({ length: 1000 }, (_, nth) => (nth * 7919) % (server.whole.length * 8))

    const answers = []
    for (const bit of flips) {
      const bytes = Uint8Array.from(server.whole)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      answers.push(await visitedWith(server, bytes))
    }

    expect(new Set(flips).size).toBe(1000)
    expect(answers).toEqual(flips.map(() => voided))
  })
})
