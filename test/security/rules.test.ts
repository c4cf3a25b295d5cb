/** Rules that do not depend on the store: clocks, headers, keys, numbers, events, failures. */

import type { OutgoingHttpHeaders } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { type RawRequest, send } from "../http/rawClient.js"
import { json, pages, withLayer } from "../http/support.js"
import { aMember, aNamespace, asked, aVisitor, ok, recordOf, serve, tokenOf } from "./app.js"
import { memoryPlace, type Place } from "./places.js"

const verifyAsked = Effect.flatMap(asked("token"), Session.verifyToken)

let place: Place

beforeAll(async () => {
  place = await memoryPlace()
})

afterAll(() => place.close())

describe("clocks", () => {
  const surroundings = TestContext.TestContext
  const config = { idleTimeout: "10 minutes", absoluteTimeout: "15 minutes" } as const

  it("R09 activity puts the idle timeout off, and its instant is over", () =>
    serve(
      place,
      async (server) => {
        const client = await aMember(server, "ann")
        await server.run(TestClock.adjust("9 minutes"))
        const active = await client.send("/user")
        await server.run(TestClock.adjust("10 minutes"))

        expect([active.text, (await client.send("/user")).text]).toEqual(['"ann"', "false"])
      },
      { config: { ...config, absoluteTimeout: "1 day" }, surroundings }
    ))

  it("R10 neither activity nor writes nor a new id put the absolute timeout off", () =>
    serve(
      place,
      async (server) => {
        const client = await aMember(server, "ann")
        const users: Array<string> = []
        for (const path of ["/user", "/put?k=a&v=1", "/regenerate", "/migrate", "/user"]) {
          await server.run(TestClock.adjust("3 minutes"))
          users.push((await client.send("/user")).text)
          await client.send(path)
        }

        expect(users).toEqual(['"ann"', '"ann"', '"ann"', '"ann"', "false"])
      },
      { config, surroundings }
    ))

  it("R11 a new login begins both timeouts afresh", () =>
    serve(
      place,
      async (server) => {
        const client = await aMember(server, "ann")
        const users: Array<string> = []
        for (const path of ["/user", "/login?user=ann", "/user", "/user", "/user"]) {
          await server.run(TestClock.adjust("7 minutes"))
          users.push((await client.send("/user")).text)
          await client.send(path)
        }

        expect(users).toEqual(['"ann"', '"ann"', '"ann"', '"ann"', "false"])
      },
      { config, surroundings }
    ))

  it("R21 a response that only reads varies by cookie, one that puts the expiry off is not cached either", () =>
    serve(
      place,
      async (server) => {
        const client = await aVisitor(server)
        const read = await client.send("/all")
        await server.run(TestClock.adjust("2 minutes"))
        const touched = await client.send("/all")
        const headers = [read, touched].map((answer) => [
          answer.setCookies.length,
          answer.headers.get("vary"),
          answer.headers.get("cache-control")
        ])

        expect(headers).toEqual([
          [0, "Cookie", null],
          [1, "Cookie", "no-store"]
        ])
      },
      { config, surroundings }
    ))
})

describe("keys and values", () => {
  const hostile: ReadonlyArray<unknown> = [
    JSON.parse('{"__proto__":{"polluted":true}}'),
    JSON.parse('{"a":[{"__proto__":{"polluted":true}}]}')
  ]
  const putting = (value: unknown) =>
    // As a plain JavaScript caller puts it.
    Effect.as(Session.put("x", value as string), ok)

  it("R39 A34 A35 a prototype's name, as a key or in a value, ends the request and reaches no prototype", () => {
    const namespace = aNamespace()
    return serve(
      place,
      async (server) => {
        const client = await aVisitor(server)
        const before = await recordOf(server, tokenOf(client), namespace)
        const keys = [
          "__proto__.polluted",
          "constructor.prototype.polluted",
          "a.__proto__.polluted"
        ]
        const answers = []
        for (const key of keys) answers.push((await client.send(`/put?k=${key}&v=1`)).status)
        for (const path of ["/body-0", "/body-1"]) answers.push((await client.send(path)).status)

        expect(answers).toEqual([500, 500, 500, 500, 500])
        expect(Reflect.get({}, "polluted")).toBeUndefined()
        expect(await recordOf(server, tokenOf(client), namespace)).toEqual(before)
      },
      {
        config: { namespace },
        routes: Object.fromEntries(
          hostile.map((value, index) => [`/body-${index}`, putting(value)])
        )
      }
    )
  })

  it("R40 no key of the data reaches flash, CSRF secret, user or commit ids", () => {
    const bookkeeping = ["d", "f", "t", "c", "p", "u", "l", "a", "s", "o", "v", "flash", "_flash"]
    const put = Session.put(Object.fromEntries(bookkeeping.map((key) => [key, { x: 1 }])))
    const state = Effect.all({
      data: Session.all,
      user: Session.userId,
      previous: Session.previousUrl
    })
    return serve(
      place,
      async (server) => {
        const client = await aMember(server, "ann")
        const token = (await client.send("/token")).text
        await client.send("/bookkeeping")
        const { data, previous, user } = JSON.parse((await client.send("/state")).text)
        const valid = await client.send(`/verify?token=${JSON.parse(token)}`)

        expect(Object.keys(data).sort()).toEqual([...bookkeeping].sort())
        expect([user.value, previous._tag, valid.text]).toEqual(["ann", "None", "true"])
      },
      {
        routes: {
          "/bookkeeping": Effect.as(put, ok),
          "/state": json(state),
          "/token": json(Session.csrfToken),
          "/verify": json(verifyAsked)
        }
      }
    )
  })

  it("A36 what an object inherits is no key of the session", async () => {
    const names = ["toString", "hasOwnProperty", "valueOf", "list.length", "text.length"]
    const seen = await Effect.runPromise(
      Effect.provide(
        Effect.forEach(names, (name) =>
          Effect.all([Session.has(name), Session.exists(name), Session.get(name)])
        ),
        Session.layerTest({ list: [1], text: "abc" })
      )
    )

    for (const [has, exists, value] of seen) {
      expect([has, exists, value._tag]).toEqual([false, false, "None"])
    }
  })

  it("A58 a sum that is no safe number is a typed error, and the value stays as it was", async () => {
    const data = { text: "1", safe: Number.MAX_SAFE_INTEGER, big: 1e308, list: [1] }
    const sums = [
      Session.increment("text"),
      Session.increment("list"),
      Session.increment("safe"),
      Session.increment("big", 1e308),
      Session.increment("fresh", Number.NaN),
      Session.increment("fresh", Number.POSITIVE_INFINITY)
    ]
    const outcome = await Effect.runPromise(
      Effect.provide(
        Effect.all([Effect.forEach(sums, Effect.flip), Session.all]),
        Session.layerTest(data)
      )
    )

    expect(outcome[0].map(({ _tag }) => _tag)).toEqual(new Array(6).fill("SessionTypeError"))
    expect(outcome[1]).toEqual(data)
  })
})

describe("the previous URL", () => {
  const page = HttpServerResponse.text("<p>page</p>", { headers: { "content-type": "text/html" } })
  const app = pages({
    "/start": Effect.as(Session.start, page),
    "/page": Effect.succeed(page),
    "/other": Effect.succeed(page),
    "/asset.css": Effect.succeed(HttpServerResponse.text("a{}")),
    "/lost": Effect.succeed(HttpServerResponse.text("<p>no</p>", { status: 404 })),
    "/previous": json(Session.previousUrl)
  })
  const serving = HttpServer.serve(
    SessionMiddleware.make({ recordsPreviousUrl: true }).middleware(app)
  )
  const unrecorded: ReadonlyArray<readonly [string, string, OutgoingHttpHeaders, string?]> = [
    ["A54 a POST", "/other", {}, "POST"],
    ["A54 HEAD", "/other", {}, "HEAD"],
    ["A54 a script's request", "/other", { "x-requested-with": "XMLHttpRequest" }],
    ["A54 a fetch", "/other", { "sec-fetch-mode": "cors" }],
    ["A54 an asset", "/asset.css", { accept: "text/css,*/*" }],
    ["A54 a prefetch", "/other", { "sec-purpose": "prefetch" }],
    ["A54 an error", "/lost", {}],
    ["A55 a secret in the query", "/other?reset_token=x", {}],
    ["A55 more than 2048 characters", `/other?q=${"x".repeat(2048)}`, {}],
    ["A52 another host", "//other", {}],
    ["A53 an encoded line break", "/other?a=%0d%0aSet-Cookie:x", {}]
  ]

  /** What the previous URL is after a page, then one more request by the same visitor. */
  const previousAfter = async (path: string, headers: OutgoingHttpHeaders, method = "GET") => {
    let previous = ""
    await withLayer(serving, async (server) => {
      const client = server.client()
      await client.send("/start")
      const visit = (sent: RawRequest) =>
        send(server.url, {
          method: "GET",
          ...sent,
          headers: { accept: "text/html", cookie: client.cookie, ...sent.headers }
        })
      await visit({ path: "/page?n=1" })
      await visit({ path, headers, method })
      previous = JSON.parse((await client.send("/previous")).text).value
    })
    return previous
  }

  for (const [what, path, headers, method] of unrecorded) {
    it(`R45 is not moved by ${what}`, async () => {
      expect(await previousAfter(path, headers, method)).toBe("/page?n=1")
    })
  }

  it("R45 is moved by the next page", async () => {
    expect(await previousAfter("/other?n=2", {})).toBe("/other?n=2")
  })
})

describe("failures of the store", () => {
  const failing =
    (reason: SessionStore.SessionStoreError["reason"], operations: ReadonlyArray<string>) =>
    (store: SessionStore.Service): SessionStore.Service => {
      const fail = (operation: "find" | "insert" | "update") => () =>
        Effect.fail(new SessionStore.SessionStoreError({ operation, reason }))
      return {
        ...store,
        ...(operations.includes("find") ? { find: fail("find") } : {}),
        ...(operations.includes("insert") ? { insert: fail("insert") } : {})
      }
    }
  const reasons = ["unavailable", "timeout", "tooLarge", "unknown"] as const

  for (const reason of reasons) {
    it(`R52 a store that answers "${reason}" is a 503 with Retry-After, and no cookie is touched`, () =>
      serve(
        place,
        async (server) => {
          const client = server.client(`__Host-session=${"A".repeat(43)}`)
          const answer = await client.send("/all")

          expect([answer.status, answer.setCookies]).toEqual([503, []])
          expect(answer.headers.get("retry-after")).toBe("1")
        },
        { store: failing(reason, ["find"]) }
      ))

    it(`R51 "${reason}" comes as it is to a handler that commits`, () => {
      const seen: Array<string> = []
      return serve(
        place,
        async (server) => {
          await server.client().send("/commit")

          expect(seen).toEqual([reason])
        },
        {
          store: failing(reason, ["insert"]),
          routes: {
            "/commit": Session.put("a", 1).pipe(
              Effect.zipRight(Session.commit),
              Effect.catchTag("SessionStoreError", (error) =>
                Effect.sync(() => seen.push(error.reason))
              ),
              Effect.as(ok)
            )
          }
        }
      )
    })
  }
})
