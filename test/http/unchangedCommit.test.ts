/** What a commit that changes nothing costs: nothing. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import { SessionStore } from "../../src/SessionStore.js"
import { json, pages, withApp } from "./support.js"

const again = Effect.zipRight(Session.put("a", 1), Session.commit)

const app = pages({
  "/start": json(
    Effect.all([Session.put("a", 1), Session.put("code", "x", { expiresIn: "20 millis" })]).pipe(
      Effect.zipRight(Session.id)
    )
  ),
  "/twice": json(Effect.sleep("40 millis").pipe(Effect.zipRight(again), Effect.zipRight(again)))
})

it("commits that put what is there write nothing, also after a key has expired", () =>
  withApp(app, async (server) => {
    const client = server.client()
    const id: string = JSON.parse((await client.send("/start")).text)
    await client.send("/twice")

    const found = await server.run(Effect.flatMap(SessionStore, (store) => store.find(id)))

    expect(Option.map(found, ({ version }) => version)).toEqual(Option.some(1))
  }))
