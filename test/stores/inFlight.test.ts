/** A store of one's own that closes something, under an app that is told to stop while a request is in flight. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { makeMemory } from "../../src/internal/store/memory/store.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { pause } from "../support/process.js"

type Wrap = (store: SessionStore.Service) => SessionStore.Service

/** Serves a handler by one of the mounts. */
type Serve = (
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, never, Session.Session>,
  store: Layer.Layer<SessionStore.SessionStore>
) => {
  readonly handler: (request: Request) => Promise<Response>
  readonly dispose: () => Promise<void>
}

const asApp: Serve = (handler, store) =>
  HttpApp.toWebHandlerLayer(SessionMiddleware.middleware(handler), store)

const asRoute: Serve = (handler, store) =>
  HttpLayerRouter.toWebHandler(
    HttpLayerRouter.add("GET", "/", handler).pipe(
      Layer.provide(SessionMiddleware.layer),
      Layer.provide(store)
    ),
    { disableLogger: true }
  )

/** The app, but not the end of its requests, runs in a fiber of the deadline. */
const asAppWithDeadline: Serve = (handler, store) =>
  HttpApp.toWebHandlerLayer(
    Effect.orDie(Effect.timeout(SessionMiddleware.middleware(handler), "1 minute")),
    store
  )

const mounts = {
  HttpApp: asApp,
  "a deadline outside": asAppWithDeadline,
  HttpLayerRouter: asRoute
}

/** How a handler answers when it has done its work. */
type Answer = (
  work: Effect.Effect<void, never, Session.Session>
) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, Session.Session>

const atOnce: Answer = (work) => Effect.as(work, HttpServerResponse.text("answered"))

/** Does its work in the body, when the head has left. */
const bitByBit: Answer = (work) =>
  Effect.map(Session.Session, (session) =>
    HttpServerResponse.stream(
      Stream.fromEffect(
        Effect.zipRight(work, Effect.orDie(Session.commit)).pipe(
          Effect.provideService(Session.Session, session),
          Effect.as(new TextEncoder().encode("answered"))
        )
      )
    )
  )

/** An app whose one request waits half way, on a store that tells when it stored something and when it closed. */
const makeApp = (wrap: Wrap = (store) => store, serve: Serve = asApp, answer = atOnce) => {
  const told: Array<string> = []
  const entered = Effect.runSync(Deferred.make<void>())
  const left = Effect.runSync(Deferred.make<void>())
  const { insert, update, ...others } = makeMemory(0, undefined)
  const tell = (word: string) => Effect.sync(() => told.push(word))
  // A store that does not wait closes meanwhile.
  const stored = Effect.zipRight(Effect.sleep(20), tell("stored"))
  const connection = Effect.acquireRelease(
    Effect.succeed<SessionStore.Primitives>({
      ...others,
      insert: (record) => Effect.zipRight(stored, insert(record)),
      update: (record, version) => Effect.zipRight(stored, update(record, version))
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
  const work = Effect.gen(function* () {
    yield* Deferred.succeed(entered, undefined)
    yield* Deferred.await(left)
    yield* Session.put("b", 2)
  })
  const app = Effect.zipRight(Session.put("a", 1), answer(work))
  const { dispose, handler } = serve(app, store)
  return {
    told,
    dispose,
    /** Begins a request, but does not wait for its answer. */
    begin: async () => {
      const answer = handler(new Request("http://localhost/")).then(async (response) => ({
        status: response.status,
        text: await response.text()
      }))
      await Effect.runPromise(Deferred.await(entered))
      return { answer }
    },
    leave: () => Effect.runSync(Deferred.succeed(left, undefined))
  }
}

type App = ReturnType<typeof makeApp>

/** Stops an app while its request waits; gives the status of the answer and what the store told. */
const stopInFlight = async ({ begin, dispose, leave, told }: App) => {
  const { answer } = await begin()
  const disposed = dispose()
  // A store that does not wait has closed after this.
  await pause(50)
  leave()
  const { status } = await answer
  await disposed
  return [status, ...told]
}

it.each(Object.entries(mounts))(
  "a store closes nothing before a request in flight is stored, under %s",
  async (_name, serve) => {
    expect(await stopInFlight(makeApp(undefined, serve))).toEqual([200, "stored", "closed"])
  }
)

it("a store closes nothing before a body in flight is stored", async () => {
  const app = makeApp(undefined, asApp, bitByBit)

  expect(await stopInFlight(app)).toEqual([200, "stored", "stored", "closed"])
})

it("a store that the app has wrapped closes nothing before a request in flight is stored", async () => {
  const app = makeApp((store) => ({ ...store }))

  expect(await stopInFlight(app)).toEqual([200, "stored", "closed"])
})

it("a store closes at once when no request is in flight", async () => {
  const app = makeApp()
  const { answer } = await app.begin()
  app.leave()
  await answer

  await app.dispose()

  expect(app.told).toEqual(["stored", "closed"])
})

it("a store does not wait for the fiber that closes it", async () => {
  const warnings: Array<unknown> = []
  const store = Layer.scoped(
    SessionStore.SessionStore,
    SessionStore.makeScoped(makeMemory(0, undefined))
  )
  const request = HttpServerRequest.fromWeb(new Request("http://localhost/"))

  await SessionMiddleware.middleware(Effect.succeed(HttpServerResponse.empty())).pipe(
    Effect.provideService(HttpServerRequest.HttpServerRequest, request),
    Effect.scoped,
    Effect.provide(store),
    Effect.provide(
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => warnings.push(message))
      )
    ),
    Effect.asVoid,
    Effect.runPromise
  )

  expect(warnings).toEqual([])
}, 20_000)
