import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { storeWith } from "../support/storeWith.js"
import { json, pages, withApp } from "./support.js"

describe("the lottery", () => {
  const certain = SessionConfig.layer({ lottery: [1, 1] })

  /** A store whose collection tells that it began and never ends. */
  const makeHanging = () => {
    const began = Effect.runSync(Deferred.make<void>())
    const store = storeWith(() => ({
      collect: () => Effect.zipRight(Deferred.succeed(began, undefined), Effect.never)
    }))
    return { store, began: () => Effect.runPromise(Deferred.await(began)) }
  }

  it("collects beside the request, whose answer does not wait for it", async () => {
    const { began, store } = makeHanging()
    await withApp(
      pages({ "/all": json(Session.all) }),
      async (server) => {
        const answer = await server.client().send("/all")
        await began()

        expect(answer.status).toBe(200)
      },
      { store, config: certain }
    )
  })

  it("is off unless it is configured", async () => {
    let collected = false
    const store = storeWith(() => ({
      collect: () =>
        Effect.sync(() => {
          collected = true
          return 0
        })
    }))
    await withApp(
      pages({ "/all": json(Session.all) }),
      async (server) => {
        for (let count = 0; count < 20; count++) await server.client().send("/all")

        expect(collected).toBe(false)
      },
      { store }
    )
  })
})
