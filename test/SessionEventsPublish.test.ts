import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as SessionEvents from "../src/SessionEvents.js"

const id = "a".repeat(40)

const created = (atMillis: number): SessionEvents.SessionEvent => ({
  _tag: "Created",
  id,
  at: DateTime.unsafeMake(atMillis)
})

const all: ReadonlyArray<SessionEvents.SessionEvent> = [
  { _tag: "Created", id, at: DateTime.unsafeMake(1) },
  { _tag: "Regenerated", id, from: "b".repeat(40), reason: "login", at: DateTime.unsafeMake(2) },
  { _tag: "Destroyed", id, reason: "logout", at: DateTime.unsafeMake(3) },
  { _tag: "LoggedIn", id, userId: "7", at: DateTime.unsafeMake(3) },
  { _tag: "LoggedOut", id, userId: "7", reason: "logout", at: DateTime.unsafeMake(3) },
  { _tag: "Expired", count: 4, at: DateTime.unsafeMake(4) },
  {
    _tag: "Revoked",
    count: 2,
    reason: "revokeUser",
    userId: "7",
    actor: "ops",
    at: DateTime.unsafeMake(5)
  },
  { _tag: "ConflictReplayed", id, attempts: 2, at: DateTime.unsafeMake(6) },
  { _tag: "InvalidId", reason: "unknown", at: DateTime.unsafeMake(7) },
  { _tag: "CsrfRejected", reason: "origin", at: DateTime.unsafeMake(8) },
  { _tag: "GuardTripped", id, guard: "ipAddress", policy: "terminate", at: DateTime.unsafeMake(9) },
  { _tag: "PayloadDiscarded", id, reason: "corrupt", at: DateTime.unsafeMake(10) }
]

/** Listens for `count` events from now on; the subscription stands when this returns. */
const listening = (count: number) =>
  Effect.zipLeft(
    Effect.fork(Stream.runCollect(Stream.take(SessionEvents.stream, count))),
    Effect.repeatN(Effect.yieldNow(), 10)
  )

const publishAll = (events: ReadonlyArray<SessionEvents.SessionEvent>) =>
  Effect.forEach(events, SessionEvents.publish, { discard: true })

const heard = (fiber: Fiber.Fiber<Chunk.Chunk<SessionEvents.SessionEvent>>) =>
  Effect.map(Fiber.join(fiber), Chunk.toReadonlyArray)

/** What is logged while `effect` runs. */
const logged = <A, E>(effect: Effect.Effect<A, E>, minimum: LogLevel.LogLevel) =>
  Effect.suspend(() => {
    const messages: Array<{ readonly level: string; readonly message: unknown }> = []
    const logger = Logger.make(({ logLevel, message }) => {
      messages.push({ level: logLevel.label, message })
    })
    return effect.pipe(
      Logger.withMinimumLogLevel(minimum),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.as(messages)
    )
  })

/** The count of a counter's state. */
const countOf = (state: unknown) =>
  // The snapshot does not tell the kinds apart by type.
  (state as { readonly count: number }).count

/** How often `event` has been counted so far. */
const counted = (event: string) =>
  Effect.map(Metric.snapshot, (pairs) => {
    const pair = pairs.find(
      ({ metricKey }) =>
        metricKey.name === "effect_session_events" &&
        metricKey.tags.some(({ key, value }) => key === "event" && value === event)
    )
    return pair === undefined ? 0 : countOf(pair.metricState)
  })

describe("stream", () => {
  it.effect("carries every kind of event, in order and as it was published", () =>
    Effect.gen(function* () {
      const listener = yield* listening(all.length)

      yield* publishAll(all)

      expect(yield* heard(listener)).toEqual(all)
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("needs nothing to be provided", () =>
    Effect.gen(function* () {
      const listener = yield* listening(1)

      yield* SessionEvents.publish(created(1))

      expect(yield* heard(listener)).toEqual([created(1)])
    })
  )

  it.scoped("loses the oldest events of a subscriber that is 1024 behind", () =>
    Effect.gen(function* () {
      const hub = yield* SessionEvents.SessionEvents
      const slow = yield* PubSub.subscribe(hub)

      yield* publishAll(Array.from({ length: 1030 }, (_, at) => created(at)))

      const kept = Chunk.toReadonlyArray(yield* slow.takeAll)
      expect(kept.map(({ at }) => at.epochMillis)).toEqual(
        Array.from({ length: 1024 }, (_, at) => at + 6)
      )
    }).pipe(Effect.provide(SessionEvents.layer))
  )
})

describe("layer", () => {
  it.scoped("keeps the events of one build from another", () =>
    Effect.gen(function* () {
      const [mine, others] = [
        yield* Layer.build(SessionEvents.layer),
        yield* Layer.build(SessionEvents.layer)
      ]
      const listener = yield* Effect.provide(listening(1), mine)

      yield* Effect.provide(SessionEvents.publish(created(1)), others)
      yield* Effect.provide(SessionEvents.publish(created(2)), mine)

      expect(yield* heard(listener)).toEqual([created(2)])
    })
  )
})

describe("publish", () => {
  it.effect("succeeds where nobody listens", () =>
    Effect.gen(function* () {
      const result = yield* Effect.exit(publishAll(all))

      expect(result._tag).toBe("Success")
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("does not interrupt a request where the hub was shut down", () =>
    Effect.gen(function* () {
      yield* Effect.flatMap(SessionEvents.SessionEvents, PubSub.shutdown)

      const result = yield* Effect.exit(SessionEvents.publish(created(1)))

      expect(result._tag).toBe("Success")
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  for (const event of all) {
    it.effect(`counts ${event._tag} once`, () =>
      Effect.gen(function* () {
        const before = yield* counted(event._tag)

        yield* SessionEvents.publish(event)

        expect((yield* counted(event._tag)) - before).toBe(1)
      })
    )
  }

  it.effect("counts under the labels of the caller", () =>
    Effect.gen(function* () {
      yield* Effect.tagMetrics(SessionEvents.publish(created(1)), "server", "labels-test")

      const pairs = yield* Metric.snapshot
      const tagged = pairs.filter(({ metricKey }) =>
        metricKey.tags.some(({ value }) => value === "labels-test")
      )
      expect(tagged.map(({ metricKey }) => metricKey.name)).toEqual(["effect_session_events"])
    })
  )

  it.effect("logs the event at debug level", () =>
    Effect.gen(function* () {
      const messages = yield* logged(SessionEvents.publish(created(1)), LogLevel.Debug)

      expect(messages).toEqual([{ level: "DEBUG", message: ["session event", created(1)] }])
    })
  )

  it.effect("logs nothing at info level", () =>
    Effect.gen(function* () {
      const messages = yield* logged(SessionEvents.publish(created(1)), LogLevel.Info)

      expect(messages).toEqual([])
    })
  )
})
