/** A store of one's own that closes something, under an app that is told to stop while a request is in flight. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { makeMemory } from "../../src/internal/store/memory/store.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { pause } from "../support/process.js"

/** An app whose one request waits half way, on a store that tells when it stored something and when it closed. */
const makeApp = (wrap: (store: SessionStore.Service) => SessionStore.Service) => {
  const told: Array<string> = []
  const entered = Effect.runSync(Deferred.make<void>())
  const left = Effect.runSync(Deferred.make<void>())
  const { insert, ...others } = makeMemory(0, undefined)
  const tell = (word: string) => Effect.sync(() => told.push(word))
  const connection = Effect.acquireRelease(
    Effect.succeed<SessionStore.Primitives>({
      ...others,
      insert: (record) => Effect.zipRight(tell("stored"), insert(record))
    }),
    () => tell("closed")
  )
  const store = Layer.scoped(
    SessionStore.SessionStore,
    Effect.map(
      Effect.flatMap(connection, (primitives) => SessionStore.makeScoped(primitives)),
      wrap
    )
  )
  const app = Effect.gen(function* () {
    yield* Session.put("a", 1)
    yield* Deferred.succeed(entered, undefined)
    yield* Deferred.await(left)
    return HttpServerResponse.text("answered")
  })
  const { dispose, handler } = HttpApp.toWebHandlerLayer(SessionMiddleware.middleware(app), store)
  return {
    told,
    dispose,
    /** Begins a request, but does not wait for its answer. */
    begin: async () => {
      const answer = handler(new Request("http://localhost/"))
      await Effect.runPromise(Deferred.await(entered))
      return { answer }
    },
    leave: () => Effect.runSync(Deferred.succeed(left, undefined))
  }
}

const wrappers = {
  "as it is": (store: SessionStore.Service) => store,
  "wrapped by the app": (store: SessionStore.Service) => ({ ...store })
}

it.each(Object.entries(wrappers))(
  "a store closes nothing before a request in flight is stored, %s",
  async (_name, wrap) => {
    const app = makeApp(wrap)
    const { answer } = await app.begin()

    const disposed = app.dispose()
    // A store that does not wait has closed by then.
    await pause(50)
    app.leave()
    const { status } = await answer
    await disposed

    expect([status, ...app.told]).toEqual([200, "stored", "closed"])
  }
)

it("a store closes at once when no request is in flight", async () => {
  const app = makeApp((store) => store)
  const { answer } = await app.begin()
  app.leave()
  await answer

  await app.dispose()

  expect(app.told).toEqual(["stored", "closed"])
})
