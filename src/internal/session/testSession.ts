/** A session without HTTP, over a store of its own that nothing else sees. */
import * as Effect from "effect/Effect"
import { emptyLife, RequestSession } from "../commit/RequestSession.js"
import { compile } from "../config/compile.js"
import { SessionConfig } from "../config/tag.js"
import { SessionEvents } from "../events/hub.js"
import { makeMemoryStore } from "../store/memory/store.js"
import { localNow } from "../store/revocations.js"

/** Makes an empty session that belongs to nobody. */
export const makeTestSession: Effect.Effect<RequestSession> = Effect.gen(function* () {
  const request = {
    store: makeMemoryStore(),
    settings: compile(yield* SessionConfig),
    clock: yield* Effect.clock,
    began: localNow(),
    events: yield* SessionEvents,
    ipAddress: () => null,
    userAgent: () => null
  }
  return new RequestSession(request, emptyLife(request, "open"))
})
