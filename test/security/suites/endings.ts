/** Sessions that end must stay ended: at once, on every server, and whatever is still under way. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import * as Session from "../../../src/Session.js"
import * as SessionAdmin from "../../../src/SessionAdmin.js"
import * as SessionGc from "../../../src/SessionGc.js"
import { makeGate } from "../../http/support.js"
import { aMember, aNamespace, aVisitor, ok, rowsOf, serve, serveTwice, tokenOf } from "../app.js"
import type { Place } from "../places.js"

export const endings = (place: () => Place): void => {
  describe("endings", () => {
    it("R06 a slow request that writes after the logout brings nothing back and sets no cookie", () => {
      const namespace = aNamespace()
      const gate = makeGate()
      const slow = Effect.zipRight(gate.pass, Effect.as(Session.put("a", "late"), ok))
      return serveTwice(
        place(),
        async (first, second) => {
          const client = await aMember(first, "ann")
          const cookie = client.cookie ?? ""
          const pending = first.client(cookie).send("/slow")
          await gate.entered()
          await second.client(cookie).send("/logout")
          await gate.open()
          const late = await pending

          expect([late.status, late.setCookies]).toEqual([200, []])
          expect((await second.client(cookie).send("/user")).text).toBe("false")
          expect(await rowsOf(first, namespace)).toBe(0)
        },
        { config: { namespace }, routes: { "/slow": slow } }
      )
    })

    it("R08 A14 the cookie of a session that logged out is a stranger's, however often it is sent again", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const client = await aMember(server, "ann")
          const cookie = client.cookie ?? ""
          await client.send("/logout")
          const replays = await Promise.all(
            Array.from({ length: 5 }, () => server.client(cookie).send("/user"))
          )

          expect(client.cookie).toBeUndefined()
          expect(replays.map(({ text }) => text)).toEqual(new Array(5).fill("false"))
        },
        { config: { namespace } }
      )
    })

    it("R50 a session that is destroyed is gone on both servers, though the handler fails afterwards", () => {
      const namespace = aNamespace()
      return serveTwice(
        place(),
        async (first, second) => {
          const client = await aMember(first, "ann")
          const cookie = client.cookie ?? ""
          const answer = await client.send("/destroy-and-fail")

          expect(answer.status).toBe(500)
          expect((await second.client(cookie).send("/user")).text).toBe("false")
          expect(await rowsOf(second, namespace)).toBe(0)
        },
        { config: { namespace } }
      )
    })

    it("R57 no server remembers a session that another one has ended", () => {
      const namespace = aNamespace()
      return serveTwice(
        place(),
        async (first, second) => {
          for (let round = 0; round < 10; round++) {
            const cookie = (await aMember(first, "ann")).cookie ?? ""
            const before = await second.client(cookie).send("/user")
            await first.client(cookie).send("/logout")
            const after = await second.client(cookie).send("/user")

            expect([before.text, after.text]).toEqual(['"ann"', "false"])
          }
        },
        { config: { namespace } }
      )
    })

    it("R24 a user's sessions are listed, and ending one leaves the other", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const [phone, laptop] = [await aMember(server, "ann"), await aMember(server, "ann")]
          const listed = await server.run(SessionAdmin.ofUser("ann", { namespace }))
          const id = JSON.parse((await phone.send("/id")).text)
          const ended = await server.run(SessionAdmin.revoke(id, { namespace }))

          expect([listed.length, ended]).toEqual([2, true])
          expect((await phone.send("/user")).text).toBe("false")
          expect((await laptop.send("/user")).text).toBe('"ann"')
        },
        { config: { namespace } }
      )
    })

    it("R25 a user ends all other sessions and keeps the own one, under its newest id", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const here = await aMember(server, "ann")
          const elsewhere = [await aMember(server, "ann"), await aMember(server, "ann")]
          const stranger = await aMember(server, "bob")
          await here.send("/regenerate")
          const ended = await here.send("/revoke-others")

          expect(ended.text).toBe("2")
          expect((await here.send("/user")).text).toBe('"ann"')
          for (const client of elsewhere) expect((await client.send("/user")).text).toBe("false")
          expect((await stranger.send("/user")).text).toBe('"bob"')
        },
        { config: { namespace } }
      )
    })

    it("R26 a login that began before the user was revoked, on another server, is refused", () => {
      const namespace = aNamespace()
      const gate = makeGate()
      const slowLogin = Effect.zipRight(gate.pass, Effect.as(Session.login("ann"), ok))
      return serveTwice(
        place(),
        async (first, second) => {
          const earlier = await aMember(first, "ann")
          const pending = first.client().send("/slow-login")
          await gate.entered()
          const revoked = await second.run(SessionAdmin.revokeUser("ann", { namespace }))
          await gate.open()
          const refused = await pending

          expect([revoked, refused.status, refused.setCookies]).toEqual([1, 403, []])
          expect((await earlier.send("/user")).text).toBe("false")
          expect(await rowsOf(first, namespace)).toBe(0)
        },
        { config: { namespace }, routes: { "/slow-login": slowLogin } }
      )
    })

    it("R27 a fourth login of three ends the oldest session, or is refused, as configured", async () => {
      const outcomes: Array<unknown> = []
      for (const onLimit of ["evictOldest", "reject"] as const) {
        const namespace = aNamespace()
        await serve(
          place(),
          async (server) => {
            const clients = []
            for (let device = 0; device < 3; device++) clients.push(await aMember(server, "ann"))
            const fourth = await server.client().send("/login?user=ann")
            const users = []
            for (const client of clients) users.push((await client.send("/user")).text)
            outcomes.push([fourth.status, users.filter((user) => user === '"ann"').length])
            outcomes.push(await rowsOf(server, namespace))
          },
          { config: { namespace, maxSessionsPerUser: { max: 3, onLimit } } }
        )
      }

      expect(outcomes).toEqual([[200, 2], 3, [403, 3], 3])
    })

    it("R27 logins that reach two servers at once fill the limit, neither more nor less", async () => {
      const outcomes: Array<unknown> = []
      for (const onLimit of ["evictOldest", "reject"] as const) {
        const namespace = aNamespace()
        await serveTwice(
          place(),
          async (first, second) => {
            for (let round = 0; round < 5; round++) {
              const clients = [first.client(), second.client()]
              await Promise.all(clients.map((client) => client.send(`/login?user=${round}`)))
              const users = await Promise.all(clients.map((client) => client.send("/user")))
              outcomes.push(users.filter(({ text }) => text === `"${round}"`).length)
            }
            outcomes.push(await rowsOf(first, namespace))
          },
          { config: { namespace, maxSessionsPerUser: { max: 1, onLimit } } }
        )
      }

      expect(outcomes).toEqual([1, 1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 5])
    })

    it("R53 collections on two servers, all the while, take no live session and no write", () => {
      const namespace = aNamespace()
      return serveTwice(
        place(),
        async (first, second) => {
          const clients = await Promise.all(Array.from({ length: 10 }, () => aVisitor(first)))
          const visits = Promise.all(
            clients.map(async (client) => {
              for (let visit = 0; visit < 10; visit++) await client.send("/increment")
            })
          )
          const storm = async (server: typeof first) => {
            for (let run = 0; run < 20; run++) await server.run(SessionGc.collect)
          }
          await Promise.all([visits, storm(first), storm(second)])
          const counts = await Promise.all(clients.map((client) => client.send("/increment")))

          expect(counts.map(({ text }) => text)).toEqual(new Array(10).fill("11"))
          expect(await rowsOf(second, namespace)).toBe(10)
        },
        { config: { namespace } }
      )
    })

    it("R48 what a request wrote is there, on every server, as soon as its answer has begun", () => {
      const namespace = aNamespace()
      return serveTwice(
        place(),
        async (first, second) => {
          const client = await aVisitor(first)
          const seen: Array<string> = []
          for (let round = 0; round < 50; round++) {
            await client.send(`/redirect?k=a&v=${round}`)
            seen.push((await second.client(client.cookie).send("/all")).text)
          }

          expect(seen).toEqual(Array.from({ length: 50 }, (_, round) => `{"a":"${round}"}`))
        },
        { config: { namespace } }
      )
    })

    it("R56 A37 keys that sound like the library's own are plain data: nobody is logged in, nothing is overwritten", () => {
      const namespace = aNamespace()
      const keys = ["user_id", "userId", "u", "_token", "_flash", "csrf", "c", "v", "o"]
      return serve(
        place(),
        async (server) => {
          const client = await aMember(server, "ann")
          const guest = server.client()
          for (const key of keys) {
            await client.send(`/put?k=${key}&v=mallory`)
            await guest.send(`/put?k=${key}&v=mallory`)
          }
          const plain = JSON.stringify(Object.fromEntries(keys.map((key) => [key, "mallory"])))

          expect((await client.send("/user")).text).toBe('"ann"')
          expect((await guest.send("/user")).text).toBe("false")
          expect((await guest.send("/all")).text).toBe(plain)
          expect(await server.run(SessionAdmin.ofUser("mallory", { namespace }))).toEqual([])
          expect(tokenOf(client)).not.toBe(tokenOf(guest))
        },
        { config: { namespace } }
      )
    })
  })
}
