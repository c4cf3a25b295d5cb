/**
 * The servers that `compare.ts` measures, each in a process of its own: `node servers.mjs <name>`. Each is set up as its own docs
 * recommend for production, with 16 connections where it uses PostgreSQL.
 *
 * All have the same routes: `/bare` without a session, `/read` a value, `/write` a counter and 150 characters, and `/login`,
 * which gives the session a new id and a user. `DATABASE_URL`, `REDIS_URL` and `DIRECTORY` say where sessions are kept. Answers
 * each message of its parent with the CPU it has used and the memory it holds.
 */
import { createServer } from "node:http"
import { join } from "node:path"

const secret = "a secret of the benchmark, at least 32 characters long"
const text = "x".repeat(150)
const { DATABASE_URL, DIRECTORY = "", REDIS_URL } = process.env
const connections = 16
let users = 0

const listening = (listener) => (server) => server.on("request", listener).listen(0, "127.0.0.1")

const redisClient = async () => {
  const { createClient } = await import("redis")
  return createClient({ url: REDIS_URL }).connect()
}

const pgStore = async (session) => {
  const { default: pgOf } = await import("connect-pg-simple")
  const conObject = { connectionString: DATABASE_URL, max: connections }
  return new (pgOf(session))({ conObject, createTableIfMissing: true })
}

const redisStore = async () => {
  const { RedisStore } = await import("connect-redis")
  return new RedisStore({ client: await redisClient() })
}

const fileStore = async (session) => {
  const { default: filesOf } = await import("session-file-store")
  return new (filesOf(session))({ path: join(DIRECTORY, "express"), logFn: () => {} })
}

const express = (storeOf) => async () => {
  const { default: express } = await import("express")
  const { default: session } = await import("express-session")
  const app = express().disable("x-powered-by").disable("etag")
  app.get("/bare", (_, response) => response.send("ok"))
  const store = await storeOf?.(session)
  app.use(session({ secret, resave: false, saveUninitialized: false, store }))
  app.get("/read", ({ session }, response) => {
    void session.visits
    response.send("ok")
  })
  app.get("/write", ({ session }, response) => {
    session.visits = (session.visits ?? 0) + 1
    session.text = text
    response.send("ok")
  })
  app.get("/login", (request, response, next) =>
    request.session.regenerate((error) => {
      if (error) return next(error)
      request.session.user = `user-${users++}`
      response.send("ok")
    })
  )
  return listening(app)
}

const fastify = (storeOf, options) => async () => {
  const { default: makeApp } = await import("fastify")
  const { default: session } = await import("express-session")
  const app = makeApp()
  app.get("/bare", async () => "ok")
  await app.register(async (app) => {
    await app.register(import("@fastify/cookie"))
    const store = await storeOf?.(session)
    const settings = { secret, cookie: { secure: false }, saveUninitialized: false, ...options }
    await app.register(import("@fastify/session"), store ? { ...settings, store } : settings)
    app.get("/read", async ({ session }) => {
      session.get("visits")
      return "ok"
    })
    app.get("/write", async ({ session }) => {
      session.set("visits", (session.get("visits") ?? 0) + 1)
      session.set("text", text)
      return "ok"
    })
    app.get("/login", async (request) => {
      await request.session.regenerate()
      // The request has another session now.
      request.session.set("user", `user-${users++}`)
      return "ok"
    })
  })
  await app.ready()
  return listening(app.routing)
}

const hono = async () => {
  const { Hono } = await import("hono")
  const { MemoryStore, sessionMiddleware } = await import("hono-sessions")
  const { getRequestListener } = await import("@hono/node-server")
  const app = new Hono()
  app.get("/bare", (context) => context.text("ok"))
  app.use("*", sessionMiddleware({ store: new MemoryStore(), encryptionKey: secret }))
  app.get("/read", (context) => {
    context.get("session").get("visits")
    return context.text("ok")
  })
  app.get("/write", (context) => {
    const session = context.get("session")
    session.set("visits", (session.get("visits") ?? 0) + 1)
    session.set("text", text)
    return context.text("ok")
  })
  app.get("/login", (context) => {
    context.set("session_key_rotation", true)
    context.get("session").set("user", `user-${users++}`)
    return context.text("ok")
  })
  return listening(getRequestListener(app.fetch))
}

const iron = async () => {
  const { getIronSession } = await import("iron-session")
  const options = { password: secret, cookieName: "session", cookieOptions: { secure: false } }
  return listening(async (request, response) => {
    if (request.url !== "/bare") {
      const session = await getIronSession(request, response, options)
      if (request.url === "/write") {
        session.visits = (session.visits ?? 0) + 1
        session.text = text
        await session.save()
      } else if (request.url === "/login") {
        session.user = `user-${users++}`
        await session.save()
      }
    }
    response.setHeader("content-length", 2).end("ok")
  })
}

const adonis = (store) => async () => {
  const { HttpContextFactory, RequestFactory, ResponseFactory } = await import(
    "@adonisjs/core/factories/http"
  )
  const { SessionMiddlewareFactory } = await import("@adonisjs/session/factories")
  const { stores } = await import("@adonisjs/session")
  const file = stores.file({ location: join(DIRECTORY, "adonis") })
  const config = { store, age: "2 hours", stores: { file } }
  const middleware = await new SessionMiddlewareFactory().merge({ config }).create()
  return listening(async (req, res) => {
    const request = new RequestFactory().merge({ req, res }).create()
    const response = new ResponseFactory().merge({ req, res }).create()
    const context = new HttpContextFactory().merge({ request, response }).create()
    const route = () => {
      const { session } = context
      if (req.url === "/read") session.get("visits")
      if (req.url === "/write") {
        session.put("visits", session.get("visits", 0) + 1)
        session.put("text", text)
      }
      if (req.url === "/login") {
        session.regenerate()
        session.put("user", `user-${users++}`)
      }
      response.send("ok")
    }
    if (req.url === "/bare") response.send("ok")
    else await middleware.handle(context, async () => route())
    response.finish()
  })
}

const effectSession = (storeOf) => async () => {
  const { HttpServer, HttpServerRequest, HttpServerResponse } = await import("@effect/platform")
  const { NodeContext, NodeHttpServer } = await import("@effect/platform-node")
  const { Effect, Layer, Logger, LogLevel } = await import("effect")
  const library = await import("../../dist/index.js")
  const { Session, SessionMiddleware } = library
  const answer = HttpServerResponse.text("ok")
  const operations = {
    "/read": Session.get("visits"),
    "/write": Effect.zipRight(Session.increment("visits"), Session.put("text", text)),
    "/login": Effect.suspend(() => Session.login(`user-${users++}`))
  }
  const at = (run) => Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => run(url))
  const sessions = SessionMiddleware.middleware(
    at((path) => Effect.zipRight(operations[path] ?? Effect.void, answer))
  )
  const app = at((path) => (path === "/bare" ? answer : sessions))
  const store = await storeOf(library, Layer)
  return (server) =>
    HttpServer.serve(app).pipe(
      Layer.provide(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
      Layer.provide(store),
      Layer.provide(NodeContext.layer),
      Layer.provide(Logger.minimumLogLevel(LogLevel.Error)),
      Layer.launch,
      Effect.runFork
    )
}

const onPostgres = async (_, Layer) => {
  const SqlSessionStore = await import("../../dist/SqlSessionStore.js")
  const { PgClient } = await import("@effect/sql-pg")
  const { Redacted } = await import("effect")
  const url = Redacted.make(DATABASE_URL)
  return Layer.provide(
    SqlSessionStore.layerMigrated,
    PgClient.layer({ url, maxConnections: connections })
  )
}

/** Each contestant: the store it uses, and how its server is made. */
export const contestants = {
  "effect-session, memory": [
    "memory",
    effectSession(({ SessionStore }) => SessionStore.layerMemory)
  ],
  "@fastify/session, memory": ["memory", fastify()],
  "express-session, memory": ["memory", express()],
  "hono-sessions, memory": ["memory", hono],
  "iron-session, cookie": ["memory", iron],
  "AdonisJS session, memory": ["memory", adonis("memory")],
  "effect-session, files": [
    "files",
    effectSession(({ FileSystemSessionStore }) =>
      FileSystemSessionStore.layer({ directory: join(DIRECTORY, "effect") })
    )
  ],
  "effect-session, files without fsync": [
    "files",
    effectSession(({ FileSystemSessionStore }) =>
      FileSystemSessionStore.layer({ directory: join(DIRECTORY, "effect"), fsync: false })
    )
  ],
  "express-session, session-file-store": ["files", express(fileStore)],
  "AdonisJS session, files": ["files", adonis("file")],
  "effect-session, PostgreSQL": ["postgres", effectSession(onPostgres)],
  "@fastify/session, connect-pg-simple": ["postgres", fastify(pgStore)],
  "@fastify/session, connect-pg-simple, rolling off": [
    "postgres",
    fastify(pgStore, { rolling: false })
  ],
  "express-session, connect-pg-simple": ["postgres", express(pgStore)],
  "effect-session, Redis": [
    "redis",
    effectSession(async () => {
      const RedisSessionStore = await import("../../dist/RedisSessionStore.js")
      return RedisSessionStore.layer({ url: REDIS_URL })
    })
  ],
  "@fastify/session, connect-redis": ["redis", fastify(redisStore)],
  "express-session, connect-redis": ["redis", express(redisStore)]
}

process.on("message", () => {
  const { system, user } = process.cpuUsage()
  process.send({ cpuMicros: user + system, rss: process.memoryUsage().rss })
})
process.on("disconnect", () => process.exit(0))

const serve = async (name) => {
  const [, open] = contestants[name]
  const server = createServer({ keepAliveTimeout: 0 })
  server.once("listening", () => process.send({ port: server.address().port }))
  const start = await open()
  start(server)
}

if (process.argv[2] !== undefined && process.send !== undefined) await serve(process.argv[2])
