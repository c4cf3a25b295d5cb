import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as SessionEvents from "../src/SessionEvents.js"

const id = "a".repeat(40)

const created = (atMillis: number): SessionEvents.SessionEvent => ({
  _tag: "Created",
  id,
  atMillis
})

const all: ReadonlyArray<SessionEvents.SessionEvent> = [
  { _tag: "Created", id, atMillis: 1 },
  { _tag: "Regenerated", id, from: "b".repeat(40), reason: "login", atMillis: 2 },
  { _tag: "Destroyed", id, atMillis: 3 },
  { _tag: "Expired", count: 4, atMillis: 4 },
  { _tag: "Revoked", count: 2, userId: "7", atMillis: 5 },
  { _tag: "ConflictReplayed", id, attempts: 2, atMillis: 6 },
  { _tag: "InvalidId", reason: "unknown", atMillis: 7 },
  { _tag: "CsrfRejected", reason: "origin", atMillis: 8 },
  { _tag: "GuardTripped", id, guard: "ipAddress", policy: "terminate", atMillis: 9 },
  { _tag: "PayloadDiscarded", id, reason: "corrupt", atMillis: 10 }
]

/** Listens for `count` events from now on; the fiber has subscribed when this returns. */
const listening = (count: number) =>
  Effect.zipLeft(
    Effect.fork(Stream.runCollect(Stream.take(SessionEvents.stream, count))),
    Effect.yieldNow({ priority: 1 })
  )

const publishAll = Effect.forEach(SessionEvents.publish, { discard: true })

const heard = (fiber: Fiber.Fiber<Chunk.Chunk<SessionEvents.SessionEvent>>) =>
  Effect.map(Fiber.join(fiber), Chunk.toReadonlyArray)
