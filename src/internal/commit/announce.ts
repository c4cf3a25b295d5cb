/** Publishes the events of a request: to the hub the middleware was built with, or to that of the running fiber. */
import * as Effect from "effect/Effect"
import type { SessionEvent } from "../events/event.js"
import * as SessionEvents from "../events/hub.js"
import type { Cell } from "./cell.js"

/** Publishes an event of this cell's request. */
export const announce = (cell: Cell, event: SessionEvent): Effect.Effect<void> => {
  const { events } = cell.surroundings
  const published = SessionEvents.publish(event)
  return events === undefined
    ? published
    : Effect.provideService(published, SessionEvents.SessionEvents, events)
}
