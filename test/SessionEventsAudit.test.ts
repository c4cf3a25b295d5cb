import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as SessionEvents from "../src/SessionEvents.js"

const id = "a".repeat(40)
const from = "b".repeat(40)
const of = { userId: "ann", clientAddress: "1.2.3.4" }

const created = (atMillis: number): SessionEvents.SessionEvent => ({
  _tag: "Created",
  id,
  at: DateTime.unsafeMake(atMillis)
})

/** The events with the lines they become. */
const pairs: ReadonlyArray<
  readonly [SessionEvents.SessionEvent, Readonly<Record<string, unknown>>]
> = [
  [
    { _tag: "Created", id, ...of, at: DateTime.unsafeMake(1) },
    {
      timestamp: "1970-01-01T00:00:00.001Z",
      "event.name": "session.created",
      "session.id": id,
      "user.id": "ann",
      "client.address": "1.2.3.4"
    }
  ],
  [
    { _tag: "Regenerated", id, from, reason: "login", ...of, at: DateTime.unsafeMake(2) },
    {
      timestamp: "1970-01-01T00:00:00.002Z",
      "event.name": "session.regenerated",
      "session.id": id,
      "session.previous_id": from,
      "user.id": "ann",
      "client.address": "1.2.3.4",
      "effect_session.reason": "login"
    }
  ],
  [
    { _tag: "Destroyed", id, reason: "logout", at: DateTime.unsafeMake(3) },
    {
      timestamp: "1970-01-01T00:00:00.003Z",
      "event.name": "session.destroyed",
      "session.id": id,
      "effect_session.reason": "logout"
    }
  ],
  [
    { _tag: "LoggedIn", id, ...of, at: DateTime.unsafeMake(3) },
    {
      timestamp: "1970-01-01T00:00:00.003Z",
      "event.name": "session.logged_in",
      "session.id": id,
      "user.id": "ann",
      "client.address": "1.2.3.4"
    }
  ],
  [
    { _tag: "LoggedOut", id, reason: "flush", ...of, at: DateTime.unsafeMake(3) },
    {
      timestamp: "1970-01-01T00:00:00.003Z",
      "event.name": "session.logged_out",
      "session.id": id,
      "user.id": "ann",
      "client.address": "1.2.3.4",
      "effect_session.reason": "flush"
    }
  ],
  [
    { _tag: "Expired", count: 4, at: DateTime.unsafeMake(4) },
    {
      timestamp: "1970-01-01T00:00:00.004Z",
      "event.name": "session.expired",
      "effect_session.count": 4
    }
  ],
  [
    {
      _tag: "Revoked",
      count: 2,
      reason: "revokeUser",
      userId: "ann",
      actor: "ops",
      at: DateTime.unsafeMake(5)
    },
    {
      timestamp: "1970-01-01T00:00:00.005Z",
      "event.name": "session.revoked",
      "user.id": "ann",
      "effect_session.count": 2,
      "effect_session.reason": "revokeUser",
      "effect_session.actor": "ops"
    }
  ],
  [
    { _tag: "ConflictReplayed", id, attempts: 2, at: DateTime.unsafeMake(6) },
    {
      timestamp: "1970-01-01T00:00:00.006Z",
      "event.name": "session.conflict_replayed",
      "session.id": id,
      "effect_session.attempts": 2
    }
  ],
  [
    { _tag: "InvalidId", reason: "unknown", clientAddress: "1.2.3.4", at: DateTime.unsafeMake(7) },
    {
      timestamp: "1970-01-01T00:00:00.007Z",
      "event.name": "session.invalid_id",
      "client.address": "1.2.3.4",
      "effect_session.reason": "unknown"
    }
  ],
  [
    { _tag: "CsrfRejected", reason: "origin", ...of, at: DateTime.unsafeMake(8) },
    {
      timestamp: "1970-01-01T00:00:00.008Z",
      "event.name": "session.csrf_rejected",
      "user.id": "ann",
      "client.address": "1.2.3.4",
      "effect_session.reason": "origin"
    }
  ],
  [
    {
      _tag: "GuardTripped",
      id,
      guard: "ipAddress",
      policy: "terminate",
      ...of,
      at: DateTime.unsafeMake(9)
    },
    {
      timestamp: "1970-01-01T00:00:00.009Z",
      "event.name": "session.guard_tripped",
      "session.id": id,
      "user.id": "ann",
      "client.address": "1.2.3.4",
      "effect_session.guard": "ipAddress",
      "effect_session.policy": "terminate"
    }
  ],
  [
    { _tag: "PayloadDiscarded", id, reason: "corrupt", at: DateTime.unsafeMake(10) },
    {
      timestamp: "1970-01-01T00:00:00.010Z",
      "event.name": "session.payload_discarded",
      "session.id": id,
      "effect_session.reason": "corrupt"
    }
  ]
]

/** An audit log that is open until it is closed, or until the test's scope is. */
const opened = <R>(layer: Layer.Layer<never, unknown, R>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Layer.buildWithScope(layer, scope)
    return Scope.close(scope, Exit.void)
  })

const publishAll = (events: Iterable<SessionEvents.SessionEvent>) =>
  Effect.forEach(events, SessionEvents.publish, { discard: true })

const many = (count: number) => Array.from({ length: count }, (_, at) => created(at))

const timesOf = (lines: ReadonlyArray<string>): ReadonlyArray<number> =>
  lines.map((line) => Date.parse(JSON.parse(line).timestamp))

/** A sink that keeps what it gets. */
const keeping = () => {
  const lines: Array<string> = []
  return { lines, write: (more: ReadonlyArray<string>) => Effect.sync(() => lines.push(...more)) }
}

const quiet = Effect.provide(Layer.merge(SessionEvents.layer, Logger.remove(Logger.defaultLogger)))

describe("layerAudit", () => {
  it.effect("writes each kind of event as a line of JSON, and nothing it does not name (R41)", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const close = yield* opened(SessionEvents.layerAudit(write))
      const events = pairs.map(([event]) => ({ ...event, token: "secret", payload: "secret" }))

      yield* publishAll(events)
      yield* close

      expect(lines.map((line) => JSON.parse(line))).toEqual(pairs.map(([, line]) => line))
    }).pipe(quiet)
  )

  it.effect("keeps a line a line whatever a user is called", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const close = yield* opened(SessionEvents.layerAudit(write))
      const userId = 'ann\n{"event.name":"session.forged"}\r\u0000'

      yield* SessionEvents.publish({ ...created(1), _tag: "Created", id, userId })
      yield* close

      expect(lines.join("\n").split(/[\r\n]/)).toHaveLength(1)
      expect(JSON.parse(lines[0] ?? "")["user.id"]).toBe(userId)
    }).pipe(quiet)
  )

  it.effect("writes while it is open, without waiting for its end", () =>
    Effect.gen(function* () {
      const written = yield* Deferred.make<ReadonlyArray<string>>()
      const close = yield* opened(
        SessionEvents.layerAudit((lines) => Deferred.succeed(written, lines))
      )

      yield* SessionEvents.publish(created(1))

      expect(timesOf(yield* Deferred.await(written))).toEqual([1])
      yield* close
    }).pipe(quiet)
  )

  it.effect("survives a burst of 10000 events, in order and complete", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const close = yield* opened(SessionEvents.layerAudit(write))

      yield* publishAll(many(10_000))
      yield* close

      expect(timesOf(lines)).toEqual(Array.from({ length: 10_000 }, (_, at) => at))
    }).pipe(quiet)
  )

  it.effect("drops what finds no room behind a slow sink, and says how many", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const gate = yield* Deferred.make<void>()
      const slow = (more: ReadonlyArray<string>) =>
        Effect.zipRight(Deferred.await(gate), write(more))
      const close = yield* opened(SessionEvents.layerAudit(slow, { capacity: 100 }))

      yield* publishAll(many(150))
      yield* Deferred.succeed(gate, undefined)
      yield* close

      const last = JSON.parse(lines.at(-1) ?? "")
      expect(timesOf(lines.slice(0, -1))).toEqual(Array.from({ length: 100 }, (_, at) => at))
      expect([last["event.name"], last["effect_session.count"]]).toEqual([
        "session.audit_dropped",
        50
      ])
    }).pipe(quiet)
  )

  it.effect("never makes a publisher wait for a sink that does not answer", () =>
    Effect.gen(function* () {
      const close = yield* opened(SessionEvents.layerAudit(() => Effect.never, { capacity: 10 }))

      const published = yield* Effect.exit(publishAll(many(1_000)))

      expect(published._tag).toBe("Success")
      const closing = yield* Effect.fork(close)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
    }).pipe(quiet)
  )

  it.effect("repeats what a sink failed to write, a second later", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const failed = yield* Deferred.make<void>()
      let failures = 0
      const flaky = (more: ReadonlyArray<string>) =>
        failures++ === 0
          ? Effect.zipRight(Deferred.succeed(failed, undefined), Effect.fail("disk full"))
          : write(more)
      const close = yield* opened(SessionEvents.layerAudit(flaky))
      yield* SessionEvents.publish(created(1))
      yield* Deferred.await(failed)

      yield* SessionEvents.publish(created(2))
      yield* TestClock.adjust("1 second")

      expect(timesOf(lines)).toEqual([1, 2])
      yield* close
    }).pipe(quiet)
  )

  it.effect("survives a defect of the sink", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      let calls = 0
      const broken = (more: ReadonlyArray<string>) =>
        calls++ === 0 ? Effect.die("bug") : write(more)
      const close = yield* opened(SessionEvents.layerAudit(broken))
      yield* SessionEvents.publish(created(1))
      yield* Effect.repeatN(Effect.yieldNow(), 10)

      yield* TestClock.adjust("1 second")

      expect(timesOf(lines)).toEqual([1])
      yield* close
    }).pipe(quiet)
  )

  it.effect("ends within 5 seconds when the sink does not answer, and says what was lost", () =>
    Effect.gen(function* () {
      const messages: Array<unknown> = []
      const logger = Logger.make(({ message }) => {
        messages.push(message)
      })
      const stuck = SessionEvents.layerAudit(() => Effect.never)
      yield* Effect.gen(function* () {
        const close = yield* opened(stuck)
        yield* publishAll(many(3))

        const closing = yield* Effect.fork(close)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(closing)
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))

      expect(JSON.stringify(messages)).toContain("closed before 3 events were written")
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("hears nothing once it is closed", () =>
    Effect.gen(function* () {
      const { lines, write } = keeping()
      const close = yield* opened(SessionEvents.layerAudit(write))
      yield* close

      yield* SessionEvents.publish(created(1))
      yield* Effect.repeatN(Effect.yieldNow(), 10)

      expect(lines).toEqual([])
    }).pipe(quiet)
  )

  it("refuses a capacity that is no positive integer at once", () => {
    expect(() => SessionEvents.layerAudit(() => Effect.void, { capacity: 0 })).toThrow(
      "The session setting capacity must be a positive integer."
    )
  })
})

const withDirectory = <A, E, R>(use: (directory: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effect-session-audit-"))),
    use,
    (directory) => Effect.promise(() => rm(directory, { recursive: true }))
  )

describe("layerAuditFile", () => {
  it.effect("appends lines to a file of mode 0600", () =>
    withDirectory((directory) =>
      Effect.gen(function* () {
        const path = join(directory, "audit.log")
        for (const at of [1, 2]) {
          const close = yield* opened(SessionEvents.layerAuditFile(path))
          yield* SessionEvents.publish(created(at))
          yield* close
        }

        const text = yield* Effect.promise(() => readFile(path, "utf8"))

        expect(text).toMatch(/^[^\n]+\n[^\n]+\n$/)
        expect(timesOf(text.trim().split("\n"))).toEqual([1, 2])
        expect((yield* Effect.promise(() => stat(path))).mode & 0o777).toBe(0o600)
      })
    ).pipe(quiet, Effect.provide(NodeFileSystem.layer))
  )

  it.effect("goes on in a new file once the old one was renamed", () =>
    withDirectory((directory) =>
      Effect.gen(function* () {
        const path = join(directory, "audit.log")
        const close = yield* opened(SessionEvents.layerAuditFile(path))
        yield* Effect.promise(() => rename(path, join(directory, "audit.log.1")))

        yield* SessionEvents.publish(created(1))
        yield* close

        const text = yield* Effect.promise(() => readFile(path, "utf8"))
        expect(timesOf(text.trim().split("\n"))).toEqual([1])
      })
    ).pipe(quiet, Effect.provide(NodeFileSystem.layer))
  )

  it.effect("fails to start where it cannot write", () =>
    withDirectory((directory) =>
      Effect.gen(function* () {
        const layer = SessionEvents.layerAuditFile(join(directory, "missing", "audit.log"))

        const exit = yield* Effect.exit(opened(layer))

        expect(exit._tag).toBe("Failure")
      })
    ).pipe(quiet, Effect.provide(NodeFileSystem.layer))
  )
})
