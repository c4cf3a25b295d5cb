/**
 * How many of 200 increments of one session survive, here and in other libraries: 50 requests at a time, with one cookie,
 * over real HTTP. And how often a message for the next request is shown, when two requests come at once.
 *
 * The handler does nothing for 0 or 5 milliseconds, as if it asked a database, and then adds one to the session at once. So
 * what is lost is lost by the library, not by the handler. The last row is a handler of this library that does lose increments: it
 * reads, waits, and puts what it has computed.
 *
 * Each server runs in a process of its own, with the settings its readme begins with. The client keeps the newest cookie, as a
 * browser does, because iron-session keeps the whole session there.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const increments = 200
const concurrency = 50
const waits = [0, 5]
const rounds = 5
const messages = 30
const secret = "a secret of the race, at least 32 characters long"

// ---------------------------------------------------------------------------------------------------------------------
// the servers: `/0` and `/5` add one after so many milliseconds, `/count` tells the number, `/flash` leaves a message and `/take`
// tells it
// ---------------------------------------------------------------------------------------------------------------------

/** Does what a path asks for, after a while. */
const answer = async (path, { count, flash, increment, take }) => {
  if (path === "/count") return String(count())
  if (path === "/flash") {
    await flash()
    return "ok"
  }
  if (path === "/take") {
    await sleep(5)
    return String((await take()) ?? "none")
  }
  await sleep(Number(path.slice(1)))
  await increment()
  return "ok"
}

/** On a session that is an object, with a message as `connect-flash` keeps it. */
const onObject = (session, save = () => {}) => ({
  count: () => session.count ?? 0,
  increment: () => {
    session.count = (session.count ?? 0) + 1
    return save()
  },
  flash: () => {
    session.message = "saved"
    return save()
  },
  take: async () => {
    const { message } = session
    delete session.message
    if (message !== undefined) await save()
    return message
  }
})

const listening = (listener) => (server) => server.on("request", listener).listen(0, "127.0.0.1")

const express = async (store) => {
  const { default: express } = await import("express")
  const { default: session } = await import("express-session")
  const app = express()
  app.use(session({ secret, resave: false, saveUninitialized: false, store: store?.(session) }))
  app.get("/:path", async (request, response) => {
    response.send(await answer(request.path, onObject(request.session)))
  })
  return listening(app)
}

const fastify = async () => {
  const { default: makeApp } = await import("fastify")
  const app = makeApp()
  await app.register(import("@fastify/cookie"))
  await app.register(import("@fastify/session"), { secret, cookie: { secure: false } })
  app.get("/:path", ({ session, url }) =>
    answer(url, {
      count: () => session.get("count") ?? 0,
      increment: () => session.set("count", (session.get("count") ?? 0) + 1),
      flash: () => session.set("message", "saved"),
      take: () => {
        const message = session.get("message")
        session.set("message", undefined)
        return message
      }
    })
  )
  await app.ready()
  return listening(app.routing)
}

const hono = async () => {
  const { Hono } = await import("hono")
  const { MemoryStore, sessionMiddleware } = await import("hono-sessions")
  const { getRequestListener } = await import("@hono/node-server")
  const app = new Hono()
  app.use("*", sessionMiddleware({ store: new MemoryStore(), encryptionKey: secret }))
  app.get("/:path", async (context) => {
    const session = context.get("session")
    const count = () => session.get("count") ?? 0
    return context.text(
      await answer(context.req.path, {
        count,
        increment: () => session.set("count", count() + 1),
        flash: () => session.flash("message", "saved"),
        take: () => session.get("message")
      })
    )
  })
  return listening(getRequestListener(app.fetch))
}

const iron = async () => {
  const { getIronSession } = await import("iron-session")
  const options = { password: secret, cookieName: "session", cookieOptions: { secure: false } }
  return listening(async (request, response) => {
    const session = await getIronSession(request, response, options)
    response.end(
      await answer(
        request.url,
        onObject(session, () => session.save())
      )
    )
  })
}

const adonis = async (store) => {
  const { HttpContextFactory, RequestFactory, ResponseFactory } = await import(
    "@adonisjs/core/factories/http"
  )
  const { SessionMiddlewareFactory } = await import("@adonisjs/session/factories")
  const { stores } = await import("@adonisjs/session")
  const file = stores.file({ location: directory })
  const config = { store, age: "2 hours", stores: { file } }
  const middleware = await new SessionMiddlewareFactory().merge({ config }).create()
  return listening(async (req, res) => {
    const request = new RequestFactory().merge({ req, res }).create()
    const response = new ResponseFactory().merge({ req, res }).create()
    const context = new HttpContextFactory().merge({ request, response }).create()
    await middleware.handle(context, async () => {
      const { session } = context
      const count = () => session.get("count", 0)
      response.send(
        await answer(req.url, {
          count,
          increment: () => session.put("count", count() + 1),
          flash: () => session.flash("message", "saved"),
          take: () => session.flashMessages.get("message")
        })
      )
    })
    response.finish()
  })
}

const effectSession = async (store, { write, consumes = false } = {}) => {
  const { HttpRouter, HttpServer, HttpServerResponse } = await import("@effect/platform")
  const { NodeContext, NodeHttpServer } = await import("@effect/platform-node")
  const { Effect, Layer, Option } = await import("effect")
  const library = await import("../../dist/index.js")
  const { Session, SessionMiddleware } = library
  const read = Effect.map(
    Session.get("count"),
    Option.getOrElse(() => 0)
  )
  const increment =
    write === "put"
      ? (wait) =>
          Effect.flatMap(read, (count) => Effect.delay(Session.put("count", count + 1), wait))
      : (wait) => Effect.delay(Session.increment("count"), wait)
  const text = Effect.map((found) => HttpServerResponse.text(Option.getOrElse(found, () => "none")))
  const flash = consumes ? Session.put("message", "saved") : Session.flash("message", "saved")
  const take = consumes ? Session.consume("message") : Session.get("message")
  const app = waits
    .reduce(
      (router, wait) =>
        HttpRouter.get(
          router,
          `/${wait}`,
          Effect.as(increment(wait), HttpServerResponse.text("ok"))
        ),
      HttpRouter.empty
    )
    .pipe(
      HttpRouter.get("/flash", Effect.as(flash, HttpServerResponse.text("ok"))),
      HttpRouter.get("/take", text(Effect.delay(take, 5))),
      HttpRouter.get(
        "/count",
        Effect.map(read, (count) => HttpServerResponse.text(String(count)))
      ),
      SessionMiddleware.middleware
    )
  return (server) =>
    HttpServer.serve(app).pipe(
      Layer.provide(store(library)),
      Layer.provide(NodeContext.layer),
      Layer.provide(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
      Layer.launch,
      Effect.runFork
    )
}

const inMemory = ({ SessionStore }) => SessionStore.layerMemory
const inFiles = ({ FileSystemSessionStore }) =>
  FileSystemSessionStore.layer({ directory: join(directory, "sessions") })

/** Each row: what it is called, the package whose version it shows, and its server. */
const rows = {
  "express-session, memory": ["express-session", () => express()],
  "express-session, session-file-store": [
    "session-file-store",
    async () => {
      const { default: filesOf } = await import("session-file-store")
      const options = { path: directory, logFn: () => {} }
      return express((session) => new (filesOf(session))(options))
    }
  ],
  "@fastify/session, memory": ["@fastify/session", fastify],
  "hono-sessions, memory": ["hono-sessions", hono],
  "iron-session, cookie": ["iron-session", iron],
  "AdonisJS session, memory": ["@adonisjs/session", () => adonis("memory")],
  "AdonisJS session, files": ["@adonisjs/session", () => adonis("file")],
  "effect-session, memory, increment": ["effect-session", () => effectSession(inMemory)],
  "effect-session, files, increment": ["effect-session", () => effectSession(inFiles)],
  "effect-session, memory, get and put": [
    "effect-session",
    () => effectSession(inMemory, { write: "put" })
  ],
  "effect-session, memory, put and consume": [
    "effect-session",
    () => effectSession(inMemory, { consumes: true })
  ],
  "effect-session, files, put and consume": [
    "effect-session",
    () => effectSession(inFiles, { consumes: true })
  ]
}

const directory = process.argv[3]

const serve = async (name) => {
  const [, open] = rows[name]
  const server = createServer()
  server.once("listening", () => process.send(server.address().port))
  const start = await open()
  start(server)
}

// ---------------------------------------------------------------------------------------------------------------------
// the client
// ---------------------------------------------------------------------------------------------------------------------

/** A browser: it sends the newest cookie that it was given. */
const browser = (port) => {
  let cookie = ""
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
    cookie = response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? cookie
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}.`)
    return await response.text()
  }
}

/** Begins a session with one increment, then makes the others at once, and tells how many of these are there. */
const race = async (port, wait) => {
  const ask = browser(port)
  await ask(`/${wait}`)
  let left = increments
  const work = async () => {
    while (left-- > 0) await ask(`/${wait}`)
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return Number(await ask("/count")) - 1
}

/** How often a message is shown when two requests come at once: never, once and twice, each so many times. */
const flashes = async (port) => {
  const shown = [0, 0, 0]
  for (let trial = 0; trial < messages; trial++) {
    const ask = browser(port)
    await ask("/0")
    await ask("/flash")
    const answers = await Promise.all([ask("/take"), ask("/take")])
    shown[answers.filter((text) => text === "saved").length] += 1
  }
  return shown.join(" / ")
}

/** A server may listen before its store is open. */
const opened = async (port) => {
  while ((await fetch(`http://127.0.0.1:${port}/count`)).status === 503) await sleep(100)
}

const versionOf = (name) => {
  const from =
    name === "effect-session" ? "../../package.json" : `./node_modules/${name}/package.json`
  return JSON.parse(readFileSync(new URL(from, import.meta.url), "utf8")).version
}

const measure = async (name) => {
  const home = mkdtempSync(join(tmpdir(), "race-"))
  const child = fork(fileURLToPath(import.meta.url), [name, home])
  try {
    const [port] = await once(child, "message")
    await opened(port)
    const cells = []
    for (const wait of waits) {
      const kept = []
      for (let round = 0; round < rounds; round++) kept.push(await race(port, wait))
      const least = Math.min(...kept)
      const most = Math.max(...kept)
      cells.push(least === most ? `${most}` : `${least} to ${most}`)
    }
    return [...cells, await flashes(port)]
  } finally {
    child.kill("SIGKILL")
    await once(child, "exit")
    rmSync(home, { recursive: true, force: true })
  }
}

const main = async () => {
  const day = new Date().toISOString().slice(0, 10)
  console.log(
    `Of ${increments} increments, ${concurrency} at a time, ${rounds} rounds; Node ${process.version}, ${day}.\n`
  )
  console.log(
    `| library | version | ${waits.map((wait) => `handler takes ${wait} ms`).join(" | ")} | of ${messages} messages, shown never / once / twice |`
  )
  console.log(`|---|---|${waits.map(() => "---|").join("")}---|`)
  for (const [name, [packageName]] of Object.entries(rows)) {
    const cells = await measure(name)
    console.log(`| ${name} | ${versionOf(packageName)} | ${cells.join(" | ")} |`)
  }
}

const name = process.argv[2]
await (name === undefined ? main() : serve(name))
