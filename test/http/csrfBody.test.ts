import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { Agent } from "node:http"
import { connect } from "node:net"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { multipart, type RawRequest, send } from "./rawClient.js"
import { json, makeGate, pages, type Server, withApp, withLayer } from "./support.js"

const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex")

const Request = HttpServerRequest.HttpServerRequest

const persisted: Array<string> = []

/** What a handler gets to see of the body, by each way of reading it. */
const readers = {
  "/text": Effect.flatMap(Request, (request) => Effect.map(request.text, sha)),
  "/arrayBuffer": Effect.flatMap(Request, (request) =>
    Effect.map(request.arrayBuffer, (buffer) => sha(new Uint8Array(buffer)))
  ),
  "/stream": Effect.flatMap(Request, (request) =>
    Effect.map(Stream.runCollect(request.stream), (chunks) => sha(Buffer.concat([...chunks])))
  )
}

const names = Effect.flatMap(Request, (request) =>
  Effect.map(request.urlParamsBody, (params) => Array.from(params, ([name]) => name))
)

const files = Effect.flatMap(Request, (request) =>
  Effect.map(request.multipart, (parts) =>
    Object.entries(parts).map(([name, part]) => {
      if (typeof part === "string") return name
      return part.map((file) => {
        if (typeof file === "string") return file
        persisted.push(file.path)
        return sha(readFileSync(file.path))
      })
    })
  )
)

const partsStreamed = Effect.flatMap(Request, (request) =>
  Stream.runCollect(
    Stream.mapEffect(request.multipartStream, (part) =>
      part._tag === "Field" ? Effect.succeed(part.key) : Effect.map(part.contentEffect, sha)
    )
  ).pipe(Effect.map((parts) => [...parts]))
)

const handlers = {
  "/token": json(Session.csrfToken),
  "/text": json(readers["/text"]),
  "/arrayBuffer": json(readers["/arrayBuffer"]),
  "/stream": json(readers["/stream"]),
  "/names": json(names),
  "/files": json(Effect.provide(Effect.scoped(files), NodeContext.layer)),
  "/parts": json(partsStreamed),
  "/ignore": json(Effect.succeed("ignored"))
}

const app = Csrf.middleware(pages(handlers))

const visitor = async (server: Server) => {
  const client = server.client()
  const token: string = JSON.parse((await client.send("/token")).text)
  return { cookie: client.cookie ?? "", token }
}

const urlEncoded = "application/x-www-form-urlencoded"

const urlEncodedRequest = (cookie: string, path: string, body: string): RawRequest => ({
  path,
  headers: { cookie, "content-type": urlEncoded, "content-length": Buffer.byteLength(body) },
  pieces: [body]
})

const multipartRequest = (
  cookie: string,
  path: string,
  form: ReturnType<typeof multipart>
): RawRequest => ({
  path,
  headers: { cookie, "content-type": form.type, "content-length": form.body.length },
  pieces: [form.body]
})

describe("Csrf leaves the body to the handler (R28)", () => {
  for (const path of ["/text", "/arrayBuffer", "/stream"] as const) {
    it(`urlencoded, read by ${path}`, () =>
      withApp(app, async (server) => {
        const { cookie, token } = await visitor(server)
        const body = `_token=${token}&note=${"ü".repeat(1_000)}`

        const answer = await send(server.url, urlEncodedRequest(cookie, path, body))

        expect([answer.status, JSON.parse(answer.text)]).toEqual([200, sha(body)])
      }))

    it(`urlencoded of 3 MB, read by ${path}`, () =>
      withApp(app, async (server) => {
        const { cookie, token } = await visitor(server)
        const body = `_token=${token}&note=${"x".repeat(3_000_000)}`

        const answer = await send(server.url, urlEncodedRequest(cookie, path, body))

        expect([answer.status, JSON.parse(answer.text)]).toEqual([200, sha(body)])
      }))

    it(`multipart, read by ${path}`, () =>
      withApp(app, async (server) => {
        const { cookie, token } = await visitor(server)
        const form = multipart([["_token", token]], [["file", "a.bin", Buffer.alloc(100_000, 97)]])

        const answer = await send(server.url, multipartRequest(cookie, path, form))

        expect([answer.status, JSON.parse(answer.text)]).toEqual([200, sha(form.body)])
      }))
  }

  it("urlencoded, read by urlParamsBody", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)

      const answer = await send(
        server.url,
        urlEncodedRequest(cookie, "/names", `a=1&_token=${token}&b=2`)
      )

      expect([answer.status, answer.text]).toEqual([200, '["a","_token","b"]'])
    }))

  const upload = Buffer.alloc(3_000_000, "upload")

  it("multipart with a file of 3 MB, read by request.multipart", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([["_token", token]], [["file", "a.bin", upload]])

      const answer = await send(server.url, multipartRequest(cookie, "/files", form))

      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, ["_token", [sha(upload)]]])
    }))

  it("multipart with a file of 3 MB, read by request.multipartStream", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([["_token", token]], [["file", "a.bin", upload]])

      const answer = await send(server.url, multipartRequest(cookie, "/parts", form))

      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, ["_token", sha(upload)]])
    }))

  it("leaves no file behind", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([["_token", token]], [["file", "a.bin", upload]])
      persisted.length = 0

      await send(server.url, multipartRequest(cookie, "/files", form))

      expect(persisted.map((path) => existsSync(path))).toEqual([false])
    }))

  it("under a prefix that a router mounts", () => {
    const mounted = HttpRouter.empty.pipe(
      HttpRouter.get("/token", handlers["/token"]),
      HttpRouter.mount("/shop", HttpRouter.empty.pipe(HttpRouter.post("/names", json(names)))),
      Csrf.middleware,
      SessionMiddleware.middleware
    )
    return withLayer(HttpServer.serve(mounted), async (server) => {
      const { cookie, token } = await visitor(server)

      const answer = await send(
        server.url,
        urlEncodedRequest(cookie, "/shop/names", `_token=${token}&a=1`)
      )

      expect([answer.status, answer.text]).toEqual([200, '["_token","a"]'])
    })
  })

  it("inside a second check", () =>
    withApp(Csrf.middleware(app), async (server) => {
      const { cookie, token } = await visitor(server)

      const answer = await send(
        server.url,
        urlEncodedRequest(cookie, "/names", `_token=${token}&a=1`)
      )

      expect([answer.status, answer.text]).toEqual([200, '["_token","a"]'])
    }))
})

describe("Csrf finds the field `_token`", () => {
  it("in a chunked body whose every byte comes alone", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const body = `a=1&_token=${token}&b=2`

      const answer = await send(server.url, {
        path: "/text",
        headers: { cookie, "content-type": urlEncoded },
        pieces: [...body]
      })

      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, sha(body)])
    }))

  it("in a chunked multipart body whose every byte comes alone", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([["_token", token]], [["file", "a.bin", Buffer.from("content")]])

      const answer = await send(server.url, {
        path: "/parts",
        headers: { cookie, "content-type": form.type },
        pieces: [...form.body].map((byte) => Buffer.from([byte]))
      })

      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, ["_token", sha("content")]])
    }))

  it("after a file that fits into the searched part", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const file = Buffer.alloc(100_000, 98)
      const form = multipart([["_token", token]], [["file", "a.bin", file]], "filesFirst")

      const answer = await send(server.url, multipartRequest(cookie, "/parts", form))

      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, [sha(file), "_token"]])
    }))

  it("not after a file that is larger than the searched part", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const file = Buffer.alloc(3_000_000, 98)
      const form = multipart([["_token", token]], [["file", "a.bin", file]], "filesFirst")

      const answer = await send(server.url, multipartRequest(cookie, "/parts", form))

      expect(answer.status).toBe(403)
    }))

  it("as far as `maxFormBytes` reaches", () =>
    withApp(Csrf.middlewareWith({ maxFormBytes: 1_000 })(pages(handlers)), async (server) => {
      const { cookie, token } = await visitor(server)
      const far = `a=${"x".repeat(100_000)}&_token=${token}&b=2`
      const near = `a=1&_token=${token}&b=${"x".repeat(100_000)}`

      const answers = [
        await send(server.url, urlEncodedRequest(cookie, "/ignore", far)),
        await send(server.url, urlEncodedRequest(cookie, "/ignore", near))
      ]

      expect(answers.map(({ status }) => status)).toEqual([403, 200])
    }))

  it("with its content type in capitals and with parameters", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const type = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"

      const answer = await send(server.url, {
        path: "/ignore",
        headers: { cookie, "content-type": type },
        pieces: [`_token=${token}`]
      })

      expect(answer.status).toBe(200)
    }))
})

describe("Csrf refuses a form (A45)", () => {
  const bodies: ReadonlyArray<readonly [string, (token: string) => string]> = [
    ["without the field", () => "a=1"],
    ["with an empty field", () => "_token="],
    ["with the field as a list", (token) => `_token[]=${token}`],
    ["with the field twice", (token) => `_token=${token}&_token=${token}`],
    ["with the field twice, once spelt in percents", (token) => `_token=${token}&%5Ftoken=x`],
    ["with a token of 1 MB", () => `_token=${"A".repeat(1_000_000)}`],
    ["with a token that is cut", (token) => `_token=${token.slice(1)}`],
    ["that is not closed by what follows", (token) => `a=1?_token=${token}`]
  ]
  for (const [name, body] of bodies) {
    it(`urlencoded ${name}`, () =>
      withApp(app, async (server) => {
        const { cookie, token } = await visitor(server)

        const answer = await send(server.url, urlEncodedRequest(cookie, "/ignore", body(token)))

        expect(answer.status).toBe(403)
      }))
  }

  it("multipart with the field twice", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([
        ["_token", token],
        ["_token", token]
      ])

      const answer = await send(server.url, multipartRequest(cookie, "/ignore", form))

      expect(answer.status).toBe(403)
    }))

  it("multipart with the token in a file", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([], [["_token", "token.txt", Buffer.from(token)]])

      const answer = await send(server.url, multipartRequest(cookie, "/ignore", form))

      expect(answer.status).toBe(403)
    }))

  const malformed: ReadonlyArray<readonly [string, string, string]> = [
    ["without a boundary", "multipart/form-data", "--x\r\n\r\n"],
    ["with another boundary", "multipart/form-data; boundary=y", "--x\r\n\r\n"],
    ["that is no multipart", "multipart/form-data; boundary=x", "\0\0\0\r\n\r\n"],
    ["with a part without headers", "multipart/form-data; boundary=x", "--x\r\n\r\na\r\n--x--"],
    ["with nothing in it", "multipart/form-data; boundary=x", ""]
  ]
  for (const [name, type, body] of malformed) {
    it(`multipart ${name}, with 403 and not 500`, () =>
      withApp(app, async (server) => {
        const { cookie } = await visitor(server)

        const answer = await send(server.url, {
          path: "/ignore",
          headers: { cookie, "content-type": type },
          pieces: [body]
        })

        expect(answer.status).toBe(403)
      }))
  }

  it("whose token stands in a JSON body", () =>
    withApp(app, async (server) => {
      const { cookie, token } = await visitor(server)

      const answer = await send(server.url, {
        path: "/ignore",
        headers: { cookie, "content-type": "application/json" },
        pieces: [JSON.stringify({ _token: token })]
      })

      expect(answer.status).toBe(403)
    }))
})

describe("Csrf answers before the body is there", () => {
  const openEnded = (headers: Record<string, string>): RawRequest => ({
    path: "/ignore",
    headers: { "content-type": urlEncoded, "content-length": "1000000", ...headers },
    pieces: ["a="],
    unfinished: true
  })

  it("when another site sends it (A38)", () =>
    withApp(app, async (server) => {
      const { cookie } = await visitor(server)

      const answer = await send(server.url, openEnded({ cookie, "sec-fetch-site": "cross-site" }))

      expect(answer.status).toBe(403)
    }))

  it("when the visitor has no session", () =>
    withApp(app, async (server) => {
      expect((await send(server.url, openEnded({}))).status).toBe(403)
    }))

  it("when a header already has the wrong token", () =>
    withApp(app, async (server) => {
      const { cookie } = await visitor(server)

      const answer = await send(server.url, openEnded({ cookie, "x-csrf-token": "wrong" }))

      expect(answer.status).toBe(403)
    }))
})

describe("a connection", () => {
  for (const tokenSent of [true, false]) {
    it(`serves the next request after a form that nobody read to its end (${tokenSent ? "taken" : "refused"})`, () =>
      withApp(app, async (server) => {
        const { cookie, token } = await visitor(server)
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        const field = tokenSent ? `_token=${token}` : "a=1"
        const large = `${field}&b=${"x".repeat(4_000_000)}`
        await send(server.url, { ...urlEncodedRequest(cookie, "/ignore", large), agent })

        const next = await send(server.url, { method: "GET", path: "/ignore", agent })

        expect(next.status).toBe(200)
        agent.destroy()
      }))
  }

  it("that breaks inside a form neither reaches the handler nor disturbs the server (R28)", async () => {
    const [arrived, over] = [makeGate(), makeGate()]
    let reached = false
    const watched = Csrf.middleware(
      pages({
        ...handlers,
        "/watched": json(
          Effect.sync(() => {
            reached = true
          })
        )
      })
    )
    const telling = arrived.pass.pipe(
      Effect.zipRight(watched),
      Effect.onExit(() => over.pass)
    )
    await withApp(telling, async (server) => {
      arrived.open()
      over.open()
      const { cookie } = await visitor(server)
      const { hostname, port } = new URL(server.url)
      const socket = connect(Number(port), hostname)
      socket.write(
        `POST /watched HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nContent-Type: ${urlEncoded}\r\n` +
          "Content-Length: 100000\r\n\r\na=1"
      )
      await arrived.entered()

      socket.destroy()
      await over.entered()

      expect(reached).toBe(false)
      expect((await server.client().send("/ignore")).status).toBe(200)
    })
  })
})

describe("Csrf under a web handler", () => {
  const withHandler = async (
    test: (
      post: (
        path: string,
        body: URLSearchParams | FormData,
        headers?: Record<string, string>
      ) => Promise<Response>,
      token: string
    ) => Promise<void>
  ) => {
    const { dispose, handler } = HttpApp.toWebHandlerLayer(
      SessionMiddleware.middleware(app),
      SessionStore.layerMemory
    )
    const first = await handler(new globalThis.Request("http://localhost/token"))
    const cookie = first.headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""
    const token: string = JSON.parse(await first.text())
    const post = (
      path: string,
      body: URLSearchParams | FormData,
      headers: Record<string, string> = {}
    ) =>
      handler(
        new globalThis.Request(`http://localhost${path}`, {
          method: "POST",
          headers: { ...headers, cookie },
          body
        })
      )
    await test(post, token)
    await dispose()
  }

  it("takes a urlencoded form and leaves it to the handler", () =>
    withHandler(async (post, token) => {
      const answer = await post("/names", new URLSearchParams({ _token: token, a: "1" }))

      expect([answer.status, await answer.text()]).toEqual([200, '["_token","a"]'])
    }))

  it("takes a multipart form with a file of 3 MB and leaves it to the handler", () =>
    withHandler(async (post, token) => {
      const form = new FormData()
      form.set("_token", token)
      const upload = Buffer.alloc(3_000_000, "upload")
      form.set("file", new Blob([upload]), "a.bin")

      const answer = await post("/parts", form)

      expect([answer.status, await answer.json()]).toEqual([200, ["_token", sha(upload)]])
    }))

  it("refuses a form without a token", () =>
    withHandler(async (post) => {
      expect((await post("/names", new URLSearchParams({ a: "1" }))).status).toBe(403)
    }))

  it("knows its own origin by the URL, which stands for the Host header", () =>
    withHandler(async (post, token) => {
      const form = () => new URLSearchParams({ _token: token })
      const statuses: Array<number> = []
      for (const origin of ["http://localhost", "https://localhost", "http://evil.example"]) {
        statuses.push((await post("/names", form(), { origin })).status)
      }

      expect(statuses).toEqual([200, 200, 403])
    }))
})
