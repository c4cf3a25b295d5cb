import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { makeHub, publishTo } from "../src/internal/events/hub.js"
import * as Session from "../src/Session.js"
import * as SessionEvents from "../src/SessionEvents.js"

const event = (id: string): SessionEvents.SessionEvent => ({
  _tag: "Created",
  id,
  at: DateTime.unsafeMake(0)
})

/** Starts to listen for `count` events and goes on once the subscription stands. */
const listening = (count: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(SessionEvents.stream, count)))
    yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.yieldNow())
    return Effect.map(Fiber.join(fiber), Chunk.toReadonlyArray)
  })

describe("stream", () => {
  it.effect("gives the events published from then on, in order", () =>
    Effect.gen(function* () {
      yield* SessionEvents.publish(event("before"))
      const received = yield* listening(2)

      yield* SessionEvents.publish(event("a"))
      yield* SessionEvents.publish(event("b"))

      expect(yield* received).toEqual([event("a"), event("b")])
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("gives every subscriber every event", () =>
    Effect.gen(function* () {
      const first = yield* listening(1)
      const second = yield* listening(1)

      yield* SessionEvents.publish(event("a"))

      expect([yield* first, yield* second]).toEqual([[event("a")], [event("a")]])
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("tells of a session that is created, without its token", () =>
    Effect.gen(function* () {
      const received = yield* listening(1)
      yield* Session.put("a", 1)

      yield* Session.commit

      expect(yield* received).toEqual([
        { _tag: "Created", id: yield* Session.id, at: DateTime.unsafeMake(0) }
      ])
    }).pipe(Effect.provide(Session.layerTest()), Effect.provide(SessionEvents.layer))
  )
})

describe("layer", () => {
  it.effect("gives a hub whose events nobody else sees", () =>
    Effect.gen(function* () {
      const shared = yield* SessionEvents.SessionEvents
      const subscription = yield* PubSub.subscribe(shared)

      yield* SessionEvents.publish(event("private")).pipe(Effect.provide(SessionEvents.layer))
      yield* SessionEvents.publish(event("public"))

      expect(yield* Queue.take(subscription)).toEqual(event("public"))
    }).pipe(Effect.scoped, Effect.provide(SessionEvents.layer))
  )
})

describe("publish", () => {
  it.effect("never waits for a subscriber that does not read: the oldest events go", () =>
    Effect.gen(function* () {
      const hub = yield* SessionEvents.SessionEvents
      const subscription = yield* PubSub.subscribe(hub)

      for (let index = 0; index <= 1024; index++) {
        yield* SessionEvents.publish(event(String(index)))
      }

      expect(yield* Queue.take(subscription)).toEqual(event("1"))
    }).pipe(Effect.scoped, Effect.provide(SessionEvents.layer))
  )

  it.effect("counts each event under its name", () =>
    Effect.gen(function* () {
      const counter = Metric.counter("effect_session_events", {
        description: "What happened to sessions",
        incremental: true
      }).pipe(Metric.tagged("event", "Created"))
      const before = yield* Metric.value(counter)

      yield* SessionEvents.publish(event("a"))

      expect((yield* Metric.value(counter)).count).toBe(before.count + 1)
    }).pipe(Effect.provide(SessionEvents.layer))
  )
})

describe("publishTo", () => {
  it.effect("publishes to the hub it is given, and not to the one in force", () =>
    Effect.gen(function* () {
      const hub = makeHub()
      const given = yield* PubSub.subscribe(hub)
      const inForce = yield* Effect.flatMap(SessionEvents.SessionEvents, PubSub.subscribe)

      yield* publishTo(hub, event("a"))

      expect(Chunk.toReadonlyArray(yield* given.takeAll)).toEqual([event("a")])
      expect(Chunk.toReadonlyArray(yield* inForce.takeAll)).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(SessionEvents.layer))
  )
})
