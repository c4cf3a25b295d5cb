import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { tokenId } from "../../src/core/record/token.js"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { layerMemory, SessionStore } from "../../src/SessionStore.js"
import { json, pages, type Server, type Setting, withApp } from "./support.js"

const app = pages({
  "/put": json(Session.put("card", "visible text")),
  "/all": json(Session.all),
  "/count": json(Session.increment("count")),
  "/csrf": json(Session.csrfToken)
})

const key = (id: string, fill: number) => ({
  id,
  key: Redacted.make(Buffer.alloc(32, fill).toString("base64"))
})

const settings = (
  keys: ReadonlyArray<ReturnType<typeof key>>,
  store: Layer.Layer<SessionStore>
): Setting => {
  const [first, ...others] = keys
  return {
    store,
    config: SessionConfig.layer(
      first === undefined ? {} : { encrypt: { keys: [first, ...others] } }
    )
  }
}

/** One store for several servers. */
const shared = (): Layer.Layer<SessionStore> =>
  Layer.succeedContext(Effect.runSync(Effect.scoped(Layer.build(layerMemory))))

/** What the store keeps for the session of a cookie. */
const payloadOf = (server: Server, cookie: string | undefined): Promise<string> =>
  server.run(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const found = yield* store.find(tokenId(cookie?.split("=")[1] ?? "", "session"))
      return Option.match(found, { onNone: () => "none", onSome: ({ payload }) => payload })
    })
  )

describe("encrypt", () => {
  it("keeps the data out of the store and gives it back", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")

        expect(await payloadOf(server, client.cookie)).toMatch(/^s1\.a\.[\w-]+$/)
        expect((await client.send("/all")).text).toBe('{"card":"visible text"}')
      },
      settings([key("a", 1)], shared())
    ))

  it("reads what an older key has sealed, and seals with the first key from then on", async () => {
    const store = shared()
    let cookie: string | undefined
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")
        cookie = client.cookie
      },
      settings([key("a", 1)], store)
    )
    await withApp(
      app,
      async (server) => {
        const client = server.client(cookie)
        const before = (await client.send("/all")).text
        await client.send("/count")

        expect(before).toBe('{"card":"visible text"}')
        expect(await payloadOf(server, cookie)).toMatch(/^s1\.b\./)
      },
      settings([key("b", 2), key("a", 1)], store)
    )
  })

  for (const [name, keys] of [
    ["a key this server lacks", [key("b", 2)]],
    ["any key, on a server without encryption,", []]
  ] as const) {
    it(`leaves row and cookie alone that ${name} has sealed`, async () => {
      const store = shared()
      let cookie: string | undefined
      let payload = ""
      await withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/put")
          cookie = client.cookie
          payload = await payloadOf(server, cookie)
        },
        settings([key("a", 1)], store)
      )
      await withApp(
        app,
        async (server) => {
          const answers = [
            await server.client(cookie).send("/all"),
            await server.client(cookie).send("/put"),
            await server.client(cookie).send("/csrf")
          ]

          expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
          expect(answers[0]?.text).toBe("{}")
          expect(answers.flatMap(({ setCookies }) => setCookies)).toEqual([])
          expect([await payloadOf(server, cookie), await server.rows()]).toEqual([payload, 1])
        },
        settings(keys, store)
      )
    })
  }

  it("does not read a payload in the clear", async () => {
    const store = shared()
    let cookie: string | undefined
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")
        cookie = client.cookie
      },
      settings([], store)
    )
    await withApp(
      app,
      async (server) => {
        expect((await server.client(cookie).send("/all")).text).toBe("{}")
      },
      settings([key("a", 1)], store)
    )
  })
})
