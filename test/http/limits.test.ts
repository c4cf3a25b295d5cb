/** Logins at the limit of a user's sessions, on two servers at once, and where the store is away. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { layerMemory, SessionStore, SessionStoreError } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import {
  type Client,
  json,
  makeGate,
  pages,
  type Server,
  type Setting,
  withApp
} from "./support.js"

const login = Effect.match(Session.login("ann"), {
  onFailure: (error) => error._tag,
  onSuccess: () => "in"
})

const handlers = {
  "/put": json(Session.put("cart", 1)),
  "/login": json(login),
  "/unhandled": json(Session.login("ann")),
  "/user": json(Effect.map(Session.userId, Option.getOrNull)),
  "/all": json(Session.all)
}

const app = pages(handlers)

const limit = (max: number, onLimit: "evictOldest" | "reject"): Setting => ({
  config: SessionConfig.layer({ maxSessionsPerUser: { max, onLimit } })
})

const isIn = async (client: Client) => (await client.send("/user")).text === '"ann"'

it("a session at the limit logs in again", () =>
  withApp(
    app,
    async (server) => {
      const client = server.client()
      await client.send("/login")

      expect((await client.send("/login")).text).toBe('"in"')
      expect(await server.rows()).toBe(1)
    },
    limit(1, "reject")
  ))

interface SecondClick {
  readonly before?: "/put" | "/login"
  readonly after?: Effect.Effect<void, never, Session.Session>
  readonly meanwhile?: () => void
}

describe("the second click of a login", () => {
  /** It comes to its login after the first click did, and is answered this. */
  const secondClick = async (
    text: string,
    setting: Setting,
    { before = "/put", after = Effect.void, meanwhile = () => {} }: SecondClick
  ) => {
    const gate = makeGate()
    const slow = json(Effect.zipRight(gate.pass, Effect.zipLeft(login, after)))
    await withApp(
      pages({ ...handlers, "/slow": slow }),
      async (server) => {
        const client = server.client()
        await client.send(before)
        const pending = server.client(client.cookie).send("/slow")
        await gate.entered()
        await client.send("/login")
        meanwhile()
        await gate.open()

        expect(await pending).toMatchObject({ text, setCookies: [] })
        expect(await isIn(client)).toBe(true)
        expect(await server.rows()).toBe(1)
      },
      setting
    )
  }

  for (const [who, before] of [
    ["guest", "/put"],
    ["user", "/login"]
  ] as const) {
    it(`that is refused leaves a ${who} the cookie of the first`, () =>
      secondClick('"SessionRefused"', limit(1, "reject"), {
        before,
        after: Session.flash("error", "refused")
      }))
  }

  for (const [name, setting] of [
    ["without a limit", {}],
    ["at a limit", limit(1, "evictOldest")]
  ] as const) {
    it(`that the store fails logs nobody in past the judgement: ${name}`, () => {
      let fails = false
      const store = storeWith(({ insert }) => ({
        insert: (record) =>
          Effect.suspend(() =>
            fails
              ? new SessionStoreError({ operation: "insert", reason: "unavailable" })
              : insert(record)
          )
      }))
      const meanwhile = () => {
        fails = true
      }
      return secondClick('"SessionStoreError"', { ...setting, store }, { meanwhile })
    })
  }
})

describe("two logins at once on two servers, of a user who may have one session", () => {
  /** What both servers stand on: slow around each look at the user's sessions, so that logins meet there. */
  const shared = (): Layer.Layer<SessionStore> => {
    const slowly = Effect.sleep("50 millis")
    const memory = Effect.runSync(
      Effect.scoped(Effect.map(Layer.build(layerMemory), Context.get(SessionStore)))
    )
    return storeWith(
      (store) => ({
        insert: (record) =>
          Effect.zipLeft(store.insert(record), record.userId === null ? Effect.void : slowly),
        move: (...args) =>
          Effect.tap(store.move(...args), (moved) => (moved ? slowly : Effect.void)),
        entries: (filter) =>
          Stream.flattenChunks(
            Stream.fromEffect(Effect.zipLeft(Stream.runCollect(store.entries(filter)), slowly))
          )
      }),
      Layer.succeed(SessionStore, memory)
    )
  }

  const strangers = async (first: Server, second: Server) => [first.client(), second.client()]
  const guests = async (first: Server, second: Server) => {
    const clients = await strangers(first, second)
    for (const client of clients) await client.send("/put")
    return clients
  }
  const oneUser = async (first: Server, second: Server) => {
    const client = first.client()
    await client.send("/login")
    return [first.client(client.cookie), second.client(client.cookie)]
  }

  for (const [onLimit, who, clientsOf, answers] of [
    ["evictOldest", "strangers", strangers, ['"in"', '"in"']],
    ["evictOldest", "guests", guests, ['"in"', '"in"']],
    ["reject", "strangers", strangers, ['"SessionRefused"', '"in"']],
    ["reject", "its only session", oneUser, ['"SessionRefused"', '"in"']]
  ] as const) {
    it(`leave one: ${onLimit}, of ${who}`, () => {
      const { config = Layer.empty } = limit(1, onLimit)
      const setting = { config, store: shared() }
      return withApp(
        app,
        (first) =>
          withApp(
            app,
            async (second) => {
              const clients = await clientsOf(first, second)

              const texts = await Promise.all(
                clients.map(async (client) => (await client.send("/login")).text)
              )

              expect(texts.sort()).toEqual(answers)
              const areIn = [await isIn(clients[0] as Client), await isIn(clients[1] as Client)]
              expect(areIn.filter(Boolean)).toHaveLength(1)
              expect(await first.rows()).toBe(1)
            },
            setting
          ),
        setting
      )
    })
  }
})

describe("a login whose store is away once the session has been moved", () => {
  /** A store that fails to tell of revocations so many times after the move; counts how often it is asked then. */
  const forgetful = (times: number, reason: SessionStoreError["reason"]) => {
    const asked = { afterMove: 0 }
    let moved = false
    const store = storeWith(({ move, revokedWithin }) => ({
      move: (...args) =>
        Effect.tap(move(...args), () =>
          Effect.sync(() => {
            moved = true
          })
        ),
      revokedWithin: (options) =>
        Effect.suspend(() =>
          moved && ++asked.afterMove <= times
            ? new SessionStoreError({ operation: "find", reason })
            : revokedWithin(options)
        )
    }))
    return { store, asked }
  }

  for (const reason of ["unavailable", "timeout"] as const) {
    it(`stands when the second question is answered (${reason})`, () =>
      withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/put")

          expect((await client.send("/login")).text).toBe('"in"')
          expect((await client.send("/all")).text).toBe('{"cart":1}')
          expect(await isIn(client)).toBe(true)
        },
        { store: forgetful(1, reason).store }
      ))
  }

  for (const [what, times, reason, questions] of [
    ["when nobody can judge it", 2, "unavailable", 2],
    ["nor is asked about again, where that cannot help", 1, "corrupt", 1]
  ] as const) {
    it(`does not stand ${what}, and leaves the client's cookie alone`, () => {
      const { asked, store } = forgetful(times, reason)
      return withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/put")

          const { setCookies, status } = await client.send("/unhandled")

          expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] })
          expect(asked.afterMove).toBe(questions)
          expect(await server.rows()).toBe(0)
        },
        { store }
      )
    })
  }
})
