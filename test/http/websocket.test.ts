import { connect } from "node:net"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { json, pages, type Server, withApp, withLayer } from "./support.js"

const closeFrame = Buffer.from([0x88, 0x80, 0, 0, 0, 0])
const messageFrame = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x67])

/**
 * Sends a request head and gives all that came until the end. Where the connection has become a websocket it sends one
 * message, and closes when that is answered.
 */
const talk = (
  server: Server,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = "GET"
) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let received = ""
    socket.on("data", (bytes) => {
      const asked = received.includes("101 Switching")
      received += bytes.toString("latin1")
      if (received.includes("101 Switching")) {
        if (!asked) socket.write(messageFrame)
        if (/\b(?:Success|Failure)\b/.test(received)) socket.write(closeFrame)
      } else if (received.includes("\r\n\r\n")) socket.end()
    })
    socket.on("close", () => resolve(received))
    socket.on("error", reject)
    const lines = Object.entries({ host: "localhost", ...headers }).map((line) => line.join(": "))
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`)
  })

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

type Work = Effect.Effect<unknown, unknown, Session.Session>

/** A page that does some work, becomes a websocket, and answers a message with how some more work ended. */
const socketPage = (work: Work, before: Work = Effect.void) =>
  Effect.gen(function* () {
    yield* before
    const socket = yield* HttpServerRequest.upgrade
    const write = yield* socket.writer
    const answer = Effect.flatMap(Effect.exit(work), ({ _tag }) => write(_tag))
    yield* Effect.ignore(socket.runRaw(() => answer))
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped, Effect.orDie)

const put = json(Session.put("a", 1)).pipe(Effect.orDie)
const all = json(Session.all).pipe(Effect.orDie)

/** All pages of a mount stand under one path. */
interface Mount {
  readonly at: string
  readonly serving: (socket: ReturnType<typeof socketPage>) => Parameters<typeof withLayer>[0]
}

const router = (socket: ReturnType<typeof socketPage>) =>
  HttpRouter.empty.pipe(
    HttpRouter.get("/a", put),
    HttpRouter.get("/all", all),
    HttpRouter.get("/socket", socket)
  )

class Sockets extends HttpApiGroup.make("sockets")
  .add(HttpApiEndpoint.get("a", "/a").addSuccess(Schema.Null))
  .add(HttpApiEndpoint.get("all", "/all").addSuccess(Schema.Unknown))
  .add(HttpApiEndpoint.get("socket", "/socket"))
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Sockets) {}

const httpApi = (socket: ReturnType<typeof socketPage>) =>
  HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(
      HttpApiBuilder.group(Api, "sockets", (handlers) =>
        handlers
          .handleRaw("a", () => put)
          .handleRaw("all", () => all)
          .handleRaw("socket", () => socket)
      ).pipe(Layer.provide(SessionMiddleware.layerHttpApi))
    )
  )

const layerRouter = (socket: ReturnType<typeof socketPage>, prefix: string) =>
  HttpLayerRouter.serve(
    HttpLayerRouter.use((router) => {
      const prefixed = prefix === "" ? router : router.prefixed(prefix)
      return prefixed.addAll([
        HttpLayerRouter.route("GET", "/a", put),
        HttpLayerRouter.route("GET", "/all", all),
        HttpLayerRouter.route("GET", "/socket", socket)
      ])
    }).pipe(Layer.provide(SessionMiddleware.layer)),
    { disableLogger: true, disableListenLog: true }
  )

const own = Layer.orDie(SessionConfig.layer({}))
const other = Layer.orDie(
  SessionConfig.layer({ namespace: "other", cookie: { name: "__Host-other" } })
)
const alone = SessionMiddleware.make({ serialize: { wait: "1 second", hold: "10 seconds" } })

const mounts: Readonly<Record<string, Mount>> = {
  HttpRouter: {
    at: "",
    serving: (socket) => HttpServer.serve(SessionMiddleware.middleware(router(socket)))
  },
  "the routes of an HttpRouter": {
    at: "",
    serving: (socket) =>
      HttpServer.serve(router(socket).pipe(HttpRouter.use(SessionMiddleware.middleware)))
  },
  "mountApp inside": {
    at: "/inner",
    serving: (socket) =>
      HttpServer.serve(
        HttpRouter.empty.pipe(
          HttpRouter.mountApp("/inner", router(socket)),
          SessionMiddleware.middleware
        )
      )
  },
  "mountApp outside": {
    at: "/inner",
    serving: (socket) =>
      HttpServer.serve(
        HttpRouter.empty.pipe(
          HttpRouter.mountApp("/inner", SessionMiddleware.middleware(router(socket)))
        )
      )
  },
  "a middleware in another": {
    at: "/inner",
    serving: (socket) => {
      const inner = SessionMiddleware.middleware(router(socket)).pipe(Effect.provide(own))
      const outer = HttpRouter.empty.pipe(HttpRouter.mountApp("/inner", inner))
      return HttpServer.serve(SessionMiddleware.middleware(outer).pipe(Effect.provide(other)))
    }
  },
  serialize: { at: "", serving: (socket) => HttpServer.serve(alone.middleware(router(socket))) },
  HttpLayerRouter: { at: "", serving: (socket) => layerRouter(socket, "") },
  "a prefix of HttpLayerRouter": {
    at: "/inner",
    serving: (socket) => layerRouter(socket, "/inner")
  },
  HttpApi: { at: "", serving: httpApi }
}

/** Opens a websocket as a browser with a session does; gives what came of it and what the browser finds afterwards. */
const inSocket = async (
  work: Work,
  before?: Work,
  { at, serving } = mounts.HttpRouter as Mount
) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel._tag !== "Debug") lines.push(`${logLevel._tag} ${[message].flat().join(" ")}`)
  })
  let outcome = { answer: "", lines, all: "", rows: 0 }
  await withLayer(
    serving(socketPage(work, before)).pipe(Layer.provide(Logger.add(logger))),
    async (server) => {
      const client = server.client()
      await client.send(`${at}/a`)
      const cookie = client.cookie ?? ""
      const answer = await talk(server, `${at}/socket`, { ...upgrade, cookie })
      const all = (await client.send(`${at}/all`)).text
      outcome = { answer, lines, all, rows: await server.rows() }
    }
  )
  return outcome
}

describe("a websocket", () => {
  it("reads the session", async () => {
    const { answer } = await inSocket(
      Effect.filterOrFail(
        Session.getOrElse("a", () => 0),
        (a) => a === 1
      )
    )

    expect(answer).toMatch(/^HTTP\/1.1 101 .*Success/s)
  })

  it("sets no cookie, and does not store what was recorded before it", async () => {
    const { all, answer, lines } = await inSocket(Effect.void, Session.put("b", 1))

    expect(answer).not.toMatch(/set-cookie/i)
    expect(all).toBe('{"a":1}')
    expect(lines).toEqual([
      "Warning The connection was upgraded before a commit: what was recorded is not stored unless Session.commit follows, and a new id is dropped"
    ])
  })

  it("ages no flash", async () => {
    const app = pages({
      "/flash": json(Session.flash("f", 1)),
      "/socket": socketPage(Effect.void),
      "/all": json(Session.all)
    })
    await withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash")
      await talk(server, "/socket", { ...upgrade, cookie: client.cookie ?? "" })

      expect((await client.send("/all")).text).toBe('{"f":1}')
    })
  })

  it("says nothing where nothing was recorded", async () => {
    const { lines } = await inSocket(Session.all, Session.get("a"))

    expect(lines).toEqual([])
  })

  it("keeps the id where a change of it was pending", async () => {
    const { all, rows } = await inSocket(Session.commit, Session.regenerate)

    expect([all, rows]).toEqual(['{"a":1}', 1])
  })

  it("says that the cookie of an id from before it is lost", async () => {
    const { lines } = await inSocket(Effect.void, Session.login("ann"))

    expect(lines).toEqual([
      "Warning The connection was upgraded: the cookie of the new session id cannot be sent any more"
    ])
  })

  it("makes no session of what a visitor without one records", async () => {
    const page = socketPage(Effect.zipRight(Session.put("b", 1), Session.commit), Session.start)
    await withApp(pages({ "/socket": page }), async (server) => {
      const answer = await talk(server, "/socket", upgrade)

      expect(answer).toContain("Success")
      expect(await server.rows()).toBe(0)
    })
  })
})

for (const [name, mount] of Object.entries(mounts)) {
  describe(`a write in a websocket: ${name}`, () => {
    it("is told of, and is not stored", async () => {
      const { all, lines } = await inSocket(Session.put("b", 1), undefined, mount)

      expect(all).toBe('{"a":1}')
      expect(lines).toEqual([
        'Warning Session.put of "b" came after the response head: it is not stored unless Session.commit follows'
      ])
    })

    it("is stored by a commit that follows", async () => {
      const work = Effect.zipRight(Session.put("b", 1), Session.commit)
      const { all } = await inSocket(work, undefined, mount)

      expect(all).toBe('{"a":1,"b":1}')
    })

    it("does not change the id, whose cookie could not be told any more", async () => {
      const work = Effect.zipRight(Session.regenerate, Session.commit)
      const { all, answer, lines, rows } = await inSocket(work, undefined, mount)

      expect(answer).toContain("Success")
      expect([all, rows]).toEqual(['{"a":1}', 1])
      expect(lines[0]).toMatch(/^Warning Session\.regenerate/)
    })

    it("logs nobody in", async () => {
      const { all, answer, rows } = await inSocket(Session.login("ann"), undefined, mount)

      expect(answer).toContain("Failure")
      expect([all, rows]).toEqual(['{"a":1}', 1])
    })
  })
}

it("a websocket stores nothing in any of the sessions of its request", async () => {
  const inner = SessionMiddleware.middleware(socketPage(Session.put("b", 1), Session.put("b", 1)))
  const app = Effect.zipRight(Session.put("a", 1), Effect.provide(inner, other))
  await withApp(app, async (server) => {
    await talk(server, "/", upgrade)

    expect(await server.rows()).toBe(0)
    expect(
      await server.run(SessionAdmin.countActive({ within: "1 day", namespace: "other" }))
    ).toBe(0)
  })
})

it("a websocket that failed stores nothing when its request is tried again", async () => {
  let first = true
  const app = Effect.suspend(() => {
    if (!first) return empty(Session.put("b", 1))
    first = false
    return Effect.zipRight(socketPage(Effect.void), Effect.fail("again"))
  })
  const retried = Effect.retry(SessionMiddleware.middleware(app), { times: 1 })
  await withLayer(HttpServer.serve(retried), async (server) => {
    const answer = await talk(server, "/", upgrade)

    expect(answer).toMatch(/^HTTP\/1.1 101 /)
    expect([first, await server.rows()]).toEqual([false, 0])
  })
})

const empty = (work: Work) => Effect.as(Effect.orDie(work), HttpServerResponse.empty())

describe("an answer to a request that offered to upgrade", () => {
  const { connection: _, ...unconnected } = upgrade
  const offers = {
    websocket: ["GET", upgrade],
    "websocket by POST": ["POST", { ...upgrade, "content-length": "0" }],
    "websocket without Connection": ["GET", unconnected],
    "websocket by POST without Connection": ["POST", { ...unconnected, "content-length": "0" }],
    h2c: [
      "GET",
      { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" }
    ]
  } as const
  const app = pages({ "/json": json(Session.put("b", 1)), "/empty": empty(Session.put("b", 1)) })
  for (const [name, [method, headers]] of Object.entries(offers)) {
    for (const [path, status] of [
      ["/json", 200],
      ["/empty", 204]
    ] as const) {
      it(`commits like any other: ${name}, ${status}`, () =>
        withApp(app, async (server) => {
          const answer = await talk(server, path, headers, method)

          expect(answer).toMatch(
            new RegExp(`^HTTP/1.1 ${status} .*set-cookie: __Host-session=`, "is")
          )
          expect(await server.rows()).toBe(1)
        }))
    }
  }

  it("commits a change of id of a session, with its cookie", () =>
    withApp(
      pages({ "/a": put, "/empty": empty(Session.regenerate), "/all": all }),
      async (server) => {
        const client = server.client()
        await client.send("/a")
        const answer = await talk(server, "/empty", { ...upgrade, cookie: client.cookie ?? "" })

        const moved = /set-cookie: (__Host-session=[^;]+)/i.exec(answer)?.[1]
        expect(moved).not.toBe(client.cookie)
        expect((await server.client(moved).send("/all")).text).toBe('{"a":1}')
      }
    ))
})

describe("an upgrade that does not come about", () => {
  const before = Session.put("b", 1)

  it("commits where the request could not be upgraded", async () => {
    const trying = Effect.zipRight(before, Effect.ignore(HttpServerRequest.upgrade))
    await withApp(pages({ "/socket": empty(trying as Work) }), async (server) => {
      const answer = await talk(server, "/socket", { upgrade: "websocket" })

      expect(answer).toMatch(/^HTTP\/1.1 204 .*set-cookie: __Host-session=/is)
      expect(await server.rows()).toBe(1)
    })
  })

  it("commits where the handler did not run the socket", async () => {
    const taking = Effect.zipRight(before, HttpServerRequest.upgrade)
    await withApp(pages({ "/socket": empty(taking as Work) }), async (server) => {
      const answer = await talk(server, "/socket", upgrade)

      expect(answer).toMatch(/^HTTP\/1.1 204 .*set-cookie: __Host-session=/is)
      expect(await server.rows()).toBe(1)
    })
  })

  it("commits where the handshake failed and the handler went on", async () => {
    const page = Effect.gen(function* () {
      yield* before
      const socket = yield* HttpServerRequest.upgrade
      // The platform waits for ever for a handshake that fails.
      yield* Effect.forkDaemon(socket.run(() => Effect.void))
      yield* Effect.sleep(50)
    })
    await withApp(pages({ "/socket": empty(page as Work) }), async (server) => {
      const answer = await talk(server, "/socket", { ...upgrade, "sec-websocket-key": "short" })

      expect(answer).toMatch(/^HTTP\/1.1 400 /)
      await expect.poll(server.rows).toBe(1)
    })
  })
})
