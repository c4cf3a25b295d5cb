/** Where the session reaches: into the app of its middleware, and no further. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"

const ok = Effect.succeed(HttpServerResponse.text("ok"))
const around = Effect.serviceOption(Session.Session)

const inRequest = <A, E>(
  effect: Effect.Effect<A, E, HttpServerRequest.HttpServerRequest | SessionStore.SessionStore>
) =>
  effect.pipe(
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      HttpServerRequest.fromWeb(new Request("http://localhost/"))
    ),
    Effect.provide(SessionStore.layerMemory)
  )

describe("behind the middleware", () => {
  const apps = {
    "an answer": ok,
    "a failure": Effect.fail("typed"),
    "a defect": Effect.die("defect"),
    "an interruption": Effect.interrupt
  }
  for (const [what, app] of Object.entries(apps)) {
    it.effect(`there is no session after ${what}`, () =>
      inRequest(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(
            SessionMiddleware.middleware(Effect.zipRight(Session.put("a", 1), app))
          )

          expect(Exit.isSuccess(exit)).toBe(what === "an answer")
          expect(yield* around).toEqual(Option.none())
        })
      )
    )
  }

  it.effect("there is the outer session after an inner middleware", () =>
    inRequest(
      SessionMiddleware.middleware(
        Effect.gen(function* () {
          const outer = yield* Session.Session

          const response = yield* SessionMiddleware.middleware(
            Effect.gen(function* () {
              expect(yield* Session.Session).not.toBe(outer)
              return yield* ok
            })
          )

          expect(yield* Session.Session).toBe(outer)
          return response
        })
      )
    )
  )
})
