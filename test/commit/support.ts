/** Requests without HTTP: the session of one, over a store. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { decode } from "../../src/core/record/payload.js"
import type { Json } from "../../src/core/session/json.js"
import type { Operation } from "../../src/core/session/operation.js"
import { commit } from "../../src/internal/commit/commitPending.js"
import type { RequestContext } from "../../src/internal/commit/RequestContext.js"
import {
  emptyLife,
  lifeAt,
  RequestSession,
  record
} from "../../src/internal/commit/RequestSession.js"
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

/** A store whose updates tell that they were asked for, and wait until they are let go; `instead` replaces all that follows. */
export const aStalledStore = (
  instead?: () => Effect.Effect<never, SessionStore.SessionStoreError>
) => {
  const isAsked = Effect.runSync(Deferred.make<void>())
  const goesOn = Effect.runSync(Deferred.make<void>())
  const store = aStore(({ find, update }) => ({
    find: instead ?? find,
    update: (...args) =>
      Deferred.succeed(isAsked, undefined).pipe(
        Effect.zipRight(Deferred.await(goesOn)),
        Effect.zipRight(instead === undefined ? update(...args) : instead())
      )
  }))
  return {
    store,
    asked: () => Effect.runPromise(Deferred.await(isAsked)),
    letGo: () => Effect.runPromise(Deferred.succeed(goesOn, undefined))
  }
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
export const put = (session: RequestSession, name: string, value: Json): void => {
  record(session, "put", name, {
    _tag: "put",
    path: [name],
    value,
    ttlMillis: null,
    seen: [],
    atMillis: Date.now()
  })
}

/** Records a change of a value. */
export const modify = (
  session: RequestSession,
  name: string,
  change: Extract<Operation, { _tag: "modify" }>["change"]
): void => {
  record(session, "modify", name, {
    _tag: "modify",
    path: [name],
    change,
    seen: [],
    atMillis: Date.now()
  })
}

/** A request on a session that it has stored. */
export const aStoredSession = async (
  data: Readonly<Record<string, Json>>,
  store?: SessionStore.Service
): Promise<RequestSession> => {
  const session = aVisitor(store)
  for (const [name, value] of Object.entries(data)) put(session, name, value)
  await Effect.runPromise(commit(session))
  return parallel(session)
}

/** Another request with the same cookie, which has loaded the session when this one had. */
export const parallel = ({ life, request }: RequestSession): RequestSession => {
  const { position } = life
  const { stored } = position
  if (stored === null) throw new Error("The session is not stored.")
  return new RequestSession(request, lifeAt({ ...position, stored, tokenFrom: "client" }))
}

/** What the store holds for the session of a request. */
export const dataOf = async (session: RequestSession): Promise<unknown> => {
  const found = await Effect.runPromise(session.request.store.find(session.life.id))
  return Option.match(found, {
    onNone: () => undefined,
    onSome: ({ payload }) => decode(payload)?.state.data
  })
}
