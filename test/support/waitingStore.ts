/** A store whose calls wait, for tests of what happens between them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerMemoryWith, type Service, SessionStore } from "../../src/SessionStore.js"

export const keepEnded = "90 days"

/** A store in memory that waits as others do, with some of its methods replaced. */
export const waiting = (change: (store: Service) => Partial<Service> = () => ({})) => {
  const waits = <A, E>(effect: Effect.Effect<A, E>) => Effect.zipRight(Effect.yieldNow(), effect)
  return Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => {
      const slow = SessionStore.of({
        ...store,
        find: (id) => waits(store.find(id)),
        insert: (record) => waits(store.insert(record)),
        update: (record, version) => waits(store.update(record, version))
      })
      return SessionStore.of({ ...slow, ...change(slow) })
    })
  ).pipe(Layer.provide(layerMemoryWith({ keepEnded })))
}

export const withStore = <A, E, E2>(
  layer: Layer.Layer<SessionStore, E2>,
  test: (store: Service) => Effect.Effect<A, E>
): Promise<A> => Effect.runPromise(Effect.provide(Effect.flatMap(SessionStore, test), layer))
