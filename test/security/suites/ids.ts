/** Ids and cookies that must lead nowhere, and stores that must not tell more than they have to. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { describe, expect, it } from "vitest"
import { makeToken, tokenId } from "../../../src/core/record/token.js"
import * as SessionAdmin from "../../../src/SessionAdmin.js"
import * as SessionStore from "../../../src/SessionStore.js"
import { cookieName } from "../../http/support.js"
import {
  aMember,
  aNamespace,
  aVisitor,
  cookieOf,
  recordOf,
  rowsOf,
  serve,
  serveTwice,
  tokenOf
} from "../app.js"
import { flood } from "../flood.js"
import type { Place } from "../places.js"

export const ids = (place: () => Place): void => {
  describe("ids", () => {
    it("R03 A11 an unknown id, however well-formed, is answered with another one and gets no row", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const unknown = makeToken()
          const client = server.client(cookieOf(unknown))
          await client.send("/put?k=a&v=1")

          expect(tokenOf(client)).not.toBe(unknown)
          expect(await recordOf(server, unknown, namespace)).toEqual(Option.none())
        },
        { config: { namespace } }
      )
    })

    it("R05 a new session whose id is taken gets another id, and the other session stays as it was", () => {
      const namespace = aNamespace()
      const taken = { token: "", times: 0 }
      const colliding = (store: SessionStore.Service): SessionStore.Service => ({
        ...store,
        insert: (record) =>
          taken.token !== "" && taken.times++ === 0
            ? store.insert({ ...record, id: tokenId(taken.token, namespace) })
            : store.insert(record)
      })
      return serve(
        place(),
        async (server) => {
          const owner = await aVisitor(server, "owner")
          const before = await recordOf(server, tokenOf(owner), namespace)
          taken.token = tokenOf(owner)
          const other = await aVisitor(server, "other")

          expect(taken.times).toBe(2)
          expect((await other.send("/all")).text).toBe('{"a":"other"}')
          expect(await recordOf(server, tokenOf(owner), namespace)).toEqual(before)
        },
        { config: { namespace }, store: colliding }
      )
    })

    it("R13 A15 a session that expired is nobody's, though its row was never collected", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const client = await aVisitor(server)
          await server.run(TestClock.adjust("10 minutes"))
          const kept = await server.run(
            Effect.flatMap(SessionStore.SessionStore, (store) =>
              Stream.runCount(store.entries({ namespace, state: "over" }))
            )
          )
          const answer = await client.send("/all")

          expect([kept, answer.text, answer.setCookies]).toEqual([1, "{}", []])
        },
        {
          config: { namespace, idleTimeout: "10 minutes" },
          surroundings: TestContext.TestContext
        }
      )
    })

    it("R22 A51 a thousand visitors and a thousand logouts of strangers leave no row and get no cookie", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const requests = Array.from({ length: 2_000 }, (_, index) => ({
            path: index % 4 < 2 ? "/all" : "/logout",
            cookie: index % 2 === 0 ? undefined : cookieOf(makeToken())
          }))
          const outcome = await flood(server.url, requests)

          expect(outcome.statuses).toEqual({ 200: 2_000 })
          expect(outcome.cookiesSet).toBe(0)
          expect(await rowsOf(server, namespace)).toBe(0)
        },
        { config: { namespace } }
      )
    })

    it("R33 R34 the store holds the hash of a token and neither the token nor its bytes", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const client = await aMember(server, "ann")
          const first = tokenOf(client)
          await client.send("/migrate")
          const tokens = [first, tokenOf(client), tokenOf(await aVisitor(server))]
          const dump = await place().dump()

          for (const token of tokens.slice(1)) expect(dump).toContain(tokenId(token, namespace))
          for (const token of tokens) {
            const bytes = Buffer.from(token, "base64url")
            for (const form of ["latin1", "hex", "base64", "base64url"] as const) {
              expect(dump.includes(bytes.toString(form))).toBe(false)
            }
          }
        },
        { config: { namespace } }
      )
    })

    it("A12 what a stolen store holds opens no session: neither an id nor its bytes as a cookie", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const id = tokenId(tokenOf(await aVisitor(server)), namespace)
          const bytes = Buffer.from(id, "hex")
          const padded = Buffer.concat([bytes, Buffer.alloc(12)]).toString("base64url")
          for (const value of [id, bytes.toString("base64url"), `${id}AAA`, padded]) {
            expect((await server.client(cookieOf(value)).send("/all")).text).toBe("{}")
          }
        },
        { config: { namespace } }
      )
    })

    it("A8 A9 quotes, wildcards and line breaks are part of a text, in cookies and in user ids", () => {
      const namespace = aNamespace()
      const odd = [
        "' OR 1=1 --",
        "%",
        "_",
        "*",
        "\\",
        "ann\r\nDEL x",
        '"; drop table sessions',
        "a%"
      ]
      return serve(
        place(),
        async (server) => {
          await aMember(server, "ann")
          for (const value of odd) {
            const cookie = cookieOf(value.replaceAll("\r\n", ""))
            expect((await server.client(cookie).send("/user")).text).toBe("false")
            expect(await server.run(SessionAdmin.revokeUser(value, { namespace }))).toBe(0)
          }
          for (const value of odd) await aMember(server, value)
          for (const userId of odd) {
            const found = await server.run(SessionAdmin.ofUser(userId, { namespace }))
            expect(found.map((summary) => Option.getOrNull(summary.userId))).toEqual([userId])
          }
          expect(await rowsOf(server, namespace)).toBe(odd.length + 1)
        },
        { config: { namespace } }
      )
    })

    it("R54 A26 the cookie of one middleware opens nothing in another that shares the store", () => {
      const [shop, admin] = [aNamespace(), aNamespace()]
      return serve(
        place(),
        (first) =>
          serve(
            place(),
            async (second) => {
              const token = tokenOf(await aMember(first, "ann"))
              const answer = await second.client(cookieOf(token)).send("/user")

              expect(answer.text).toBe("false")
              expect(await rowsOf(second, admin)).toBe(0)
            },
            { config: { namespace: admin } }
          ),
        { config: { namespace: shop } }
      )
    })

    it("A24 without the prefix, a cookie that a sibling domain adds makes the session unreadable, never another's", () => {
      const namespace = aNamespace()
      const name = "session"
      return serve(
        place(),
        async (server) => {
          const victim = (await aMember(server, "ann")).cookie ?? ""
          const attacker = (await aMember(server, "mallory")).cookie ?? ""
          for (const cookie of [`${attacker}; ${victim}`, `${victim}; ${attacker}`]) {
            const answer = await server.client(cookie).send("/user")
            expect([answer.text, answer.setCookies]).toEqual(["false", []])
          }
          expect(victim.startsWith(`${name}=`) && !victim.startsWith(cookieName)).toBe(true)
        },
        { config: { namespace, cookie: { name, secure: false } } }
      )
    })

    it("R07 A16 the id from before a login is a stranger's on every server at once, and the next login changes it again", () => {
      const namespace = aNamespace()
      return serveTwice(
        place(),
        async (first, second) => {
          const client = await aVisitor(first)
          const guest = client.cookie ?? ""
          await client.send("/login?user=ann")
          const member = client.cookie ?? ""
          const seen = [
            await first.client(guest).send("/all"),
            await second.client(guest).send("/all")
          ]
          await client.send("/login?user=ann")

          for (const { setCookies, text } of seen) expect([text, setCookies]).toEqual(["{}", []])
          expect(new Set([guest, member, client.cookie]).size).toBe(3)
          expect((await second.client(member).send("/user")).text).toBe("false")
          expect((await second.client(client.cookie).send("/user")).text).toBe('"ann"')
        },
        { config: { namespace } }
      )
    })
  })
}
