/** A store with some of its calls replaced: how tests watch, delay and break them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SessionStore from "../../src/SessionStore.js"

/** Provides `inner`, by default a memory store, with the calls that `replace` gives in place of its own. */
export const storeWith = <E = never, R = never>(
  replace: (store: SessionStore.Service) => Partial<SessionStore.Service>,
  inner: Layer.Layer<SessionStore.SessionStore, E, R> = SessionStore.layerMemory as Layer.Layer<
    SessionStore.SessionStore,
    E,
    R
  >
): Layer.Layer<SessionStore.SessionStore, E, R> =>
  Layer.effect(
    SessionStore.SessionStore,
    Effect.map(SessionStore.SessionStore, (store) => ({ ...store, ...replace(store) }))
  ).pipe(Layer.provide(inner))
