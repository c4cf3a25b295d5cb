/** Where events go: the hub in force, its listeners, and the metric of each kind. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import type { Listen } from "./auditLog.js"
import type { SessionEvent } from "./event.js"

/**
 * Where events are published. The default hub is one for the whole process, so nothing has to be provided.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionEvents extends Context.Reference<SessionEvents>()(
  "effect-session/SessionEvents/SessionEvents",
  { defaultValue: () => makeHub() }
) {}

const capacity = 1024

/** Makes a hub of its own. */
export const makeHub = (): PubSub.PubSub<SessionEvent> => Effect.runSync(PubSub.sliding(capacity))

const listeners = new WeakMap<PubSub.PubSub<SessionEvent>, Set<(event: SessionEvent) => void>>()

/** A hub slides over what a slow subscriber has not read, without a word; a listener misses nothing. */
export const listenerOf =
  (hub: PubSub.PubSub<SessionEvent>): Listen =>
  (listener) => {
    const known = listeners.get(hub) ?? new Set()
    listeners.set(hub, known.add(listener))
    return () => {
      known.delete(listener)
    }
  }

const total = Metric.counter("effect_session_events", {
  description: "What happened to sessions",
  incremental: true
})

const counters = new Map<SessionEvent["_tag"], Metric.Metric.Counter<number>>()

const counterOf = (event: SessionEvent["_tag"]) => {
  const known = counters.get(event)
  if (known !== undefined) return known
  const counter = Metric.tagged(total, "event", event)
  counters.set(event, counter)
  return counter
}

/**
 * Publishes an event; never fails, never waits for a subscriber.
 *
 * @since 0.1.0
 * @category accessors
 */
export const publish = (event: SessionEvent): Effect.Effect<void> =>
  // One operation instead of five: events are published while a visitor waits.
  Effect.withFiberRuntime((fiber) => {
    const labels = fiber.getFiberRef(FiberRef.currentMetricLabels)
    counterOf(event._tag).unsafeUpdate(1, labels)
    const hub = Context.get(fiber.getFiberRef(FiberRef.currentContext), SessionEvents)
    for (const listener of listeners.get(hub) ?? []) listener(event)
    // Publishing to a hub that was shut down would interrupt the request.
    const published = hub.isActive() ? Effect.asVoid(PubSub.publish(hub, event)) : Effect.void
    const minimum = fiber.getFiberRef(FiberRef.currentMinimumLogLevel)
    return LogLevel.lessThanEqual(minimum, LogLevel.Debug)
      ? Effect.zipRight(published, Effect.logDebug("session event", event))
      : published
  })

/** Publishes an event to a hub. */
export const publishTo = (
  hub: PubSub.PubSub<SessionEvent>,
  event: SessionEvent
): Effect.Effect<void> => Effect.provideService(publish(event), SessionEvents, hub)
