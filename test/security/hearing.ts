/** Listens to the events of one server, from before its first request. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as SessionEvents from "../../src/SessionEvents.js"

export interface Events {
  readonly layer: Layer.Layer<never>
  /** The events since it was last called. */
  readonly heard: () => ReadonlyArray<SessionEvents.SessionEvent>
}

export const hearing = (): Events => {
  const hub = Effect.runSync(PubSub.unbounded<SessionEvents.SessionEvent>())
  const scope = Effect.runSync(Scope.make())
  const queue = Effect.runSync(Scope.extend(PubSub.subscribe(hub), scope))
  return {
    layer: Layer.succeed(SessionEvents.SessionEvents, hub),
    heard: () => Chunk.toReadonlyArray(Effect.runSync(Queue.takeAll(queue)))
  }
}
