/** Publishes events: to the subscribers of a hub, to its listeners, to a metric and to the debug log. */

import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import { countOne, logsDebug, type RunningFiber, referenceOf, withFiber } from "../effect/fiber.js"
import type { SessionEvent } from "./event.js"

/** Where events are published, and where subscribers find them. */
export type Hub = PubSub.PubSub<SessionEvent>

/**
 * The hub in force. The default is one hub for the whole process, so nothing has to be provided.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionEvents extends Context.Reference<SessionEvents>()(
  "effect-session/SessionEvents/SessionEvents",
  { defaultValue: () => makeHub() }
) {}

const capacity = 1024

/** Makes a hub. It drops the oldest events that a slow subscriber has not read. */
export const makeHub = (): Hub => Effect.runSync(PubSub.sliding(capacity))

/** Called with each event at once, so that it misses none. */
export type Listener = (event: SessionEvent) => void

const listeners = new WeakMap<Hub, Set<Listener>>()

/** Calls a listener with each event of a hub from now on; gives the way to stop that. */
export const listen = (hub: Hub, listener: Listener): (() => void) => {
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

/** Publishes an event to a hub; never fails, never waits for a subscriber. */
export const publishTo = (hub: Hub, event: SessionEvent): Effect.Effect<void> =>
  withFiber((fiber) => published(fiber, hub, event))

/**
 * Publishes an event to the hub in force; never fails, never waits for a subscriber.
 *
 * @since 0.1.0
 * @category accessors
 */
export const publish = (event: SessionEvent): Effect.Effect<void> =>
  withFiber((fiber) => published(fiber, referenceOf(fiber, SessionEvents), event))

// One operation instead of five: events are published while a visitor waits.
const published = (fiber: RunningFiber, hub: Hub, event: SessionEvent): Effect.Effect<void> => {
  countOne(fiber, counterOf(event._tag))
  for (const listener of listeners.get(hub) ?? []) listener(event)
  // A hub without subscribers takes an event at once, and one that was shut down takes none. Only a full one has to wait.
  const sent =
    hub.unsafeOffer(event) || !hub.isActive()
      ? Effect.void
      : Effect.asVoid(PubSub.publish(hub, event))
  return logsDebug(fiber) ? Effect.zipRight(sent, Effect.logDebug("session event", event)) : sent
}
