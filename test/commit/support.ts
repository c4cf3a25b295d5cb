/** Requests without HTTP: the session of one, over a store. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RequestContext } from "../../src/internal/commit/RequestContext.js"
import { emptyLife, RequestSession, record } from "../../src/internal/commit/RequestSession.js"
import { compile } from "../../src/internal/config/compile.js"
import { defaults } from "../../src/internal/config/model.js"
import { makeHub } from "../../src/internal/events/hub.js"
import { localNow } from "../../src/internal/store/revocations.js"
import * as SessionStore from "../../src/SessionStore.js"

/** A new memory store with some of its calls replaced. */
export const aStore = (
  replace: (store: SessionStore.Service) => Partial<SessionStore.Service> = () => ({})
): SessionStore.Service => {
  const built = Layer.build(SessionStore.layerMemory)
  const store = Context.get(Effect.runSync(Effect.scoped(built)), SessionStore.SessionStore)
  return { ...store, ...replace(store) }
}

export const aRequest = (store = aStore()): RequestContext => ({
  store,
  settings: compile(defaults),
  clock: Clock.make(),
  began: localNow(),
  events: makeHub(),
  ipAddress: () => null,
  userAgent: () => null
})

/** A request that came without a session. */
export const aVisitor = (store?: SessionStore.Service): RequestSession => {
  const request = aRequest(store)
  return new RequestSession(request, emptyLife(request, "open"))
}

/** Records a put. */
export const put = (session: RequestSession, name: string, value: number): void => {
  record(session, "put", name, {
    _tag: "put",
    path: [name],
    value,
    ttlMillis: null,
    seen: [],
    atMillis: Date.now()
  })
}
