/** A commit whose reply is lost, and that looks what became of it after many commits of another server. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Session from "../../src/Session.js"
import {
  layerMemory,
  type Service,
  SessionStore,
  SessionStoreError
} from "../../src/SessionStore.js"
import { json, makeGate, pages, withApp } from "./support.js"

const others = 40

const app = pages({ "/count": json(Session.increment("count")), "/all": json(Session.all) })

/** A store that has to be waited for, as a database has, over sessions that two servers share. */
const serverOf = (shared: Service, change: Partial<Service> = {}) =>
  Layer.succeed(
    SessionStore,
    SessionStore.of({
      ...shared,
      update: (record, version) =>
        Effect.zipRight(Effect.yieldNow(), shared.update(record, version)),
      ...change
    })
  )

it("is done once, however many commits came between", async () => {
  const shared = await Effect.runPromise(
    Effect.scoped(Effect.map(Layer.build(layerMemory), Context.get(SessionStore)))
  )
  const written = makeGate()
  let loses = false
  const losing = serverOf(shared, {
    update: (record, version) =>
      Effect.suspend(() => {
        if (!loses) return shared.update(record, version)
        loses = false
        return shared
          .update(record, version)
          .pipe(
            Effect.zipRight(written.pass),
            Effect.zipRight(new SessionStoreError({ operation: "update", reason: "unavailable" }))
          )
      })
  })

  await withApp(
    app,
    async (one) => {
      await withApp(
        app,
        async (other) => {
          const client = one.client()
          await client.send("/count")
          loses = true
          const second = client.send("/count")
          await written.entered()

          await Promise.all(
            Array.from({ length: others }, () => other.client(client.cookie).send("/count"))
          )
          await written.open()

          expect(await second).toMatchObject({ status: 200, text: "2" })
          expect((await client.send("/all")).text).toBe(JSON.stringify({ count: others + 2 }))
        },
        { store: serverOf(shared) }
      )
    },
    { store: losing }
  )
})
