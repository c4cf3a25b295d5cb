/** The servers of other libraries, each set up as its own docs recommend for production. */
import { join } from "node:path"
import {
  connections,
  DATABASE_URL,
  DIRECTORY,
  nextMessage,
  nextUser,
  REDIS_URL,
  secret,
  text
} from "./serve.mjs"

const listening = (listener) => (server) => server.on("request", listener).listen(0, "127.0.0.1")

// ---------------------------------------------------------------------------------------------------------------------
// stores of express-session, which @fastify/session takes too
// ---------------------------------------------------------------------------------------------------------------------

export const pgStore = async (session) => {
  const { default: pgOf } = await import("connect-pg-simple")
  const conObject = { connectionString: DATABASE_URL, max: connections }
  return new (pgOf(session))({ conObject, createTableIfMissing: true })
}

export const redisStore = async () => {
  const { createClient } = await import("redis")
  const { RedisStore } = await import("connect-redis")
  return new RedisStore({ client: await createClient({ url: REDIS_URL }).connect() })
}

export const fileStore = async (session) => {
  const { default: filesOf } = await import("session-file-store")
  return new (filesOf(session))({ path: join(DIRECTORY, "express"), logFn: () => {} })
}

// ---------------------------------------------------------------------------------------------------------------------
// servers
// ---------------------------------------------------------------------------------------------------------------------

export const express = (storeOf) => async () => {
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
      request.session.user = nextUser()
      response.send("ok")
    })
  )
  app.get("/flash", ({ session }, response) => {
    void session.message
    session.message = nextMessage()
    response.send("ok")
  })
  return listening(app)
}

export const fastify = (storeOf, options) => async () => {
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
      request.session.set("user", nextUser())
      return "ok"
    })
    app.get("/flash", async ({ session }) => {
      session.get("message")
      session.set("message", nextMessage())
      return "ok"
    })
  })
  await app.ready()
  return listening(app.routing)
}

export const hono = async () => {
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
    context.get("session").set("user", nextUser())
    return context.text("ok")
  })
  app.get("/flash", (context) => {
    const session = context.get("session")
    session.get("message")
    session.flash("message", nextMessage())
    return context.text("ok")
  })
  return listening(getRequestListener(app.fetch))
}

export const iron = async () => {
  const { getIronSession } = await import("iron-session")
  const options = { password: secret, cookieName: "session", cookieOptions: { secure: false } }
  const operations = {
    "/read": ({ visits }) => visits,
    "/write": (session) => {
      session.visits = (session.visits ?? 0) + 1
      session.text = text
      return session.save()
    },
    "/login": (session) => {
      session.user = nextUser()
      return session.save()
    },
    "/flash": (session) => {
      session.message = nextMessage()
      return session.save()
    }
  }
  return listening(async (request, response) => {
    const operation = operations[request.url]
    if (operation) await operation(await getIronSession(request, response, options))
    response.setHeader("content-length", 2).end("ok")
  })
}

/** The store in a database, by the query builder of AdonisJS; the table is that of its migration. */
export const adonisDatabase = async () => {
  const { LoggerFactory } = await import("@adonisjs/core/factories/logger")
  const { EmitterFactory } = await import("@adonisjs/core/factories/events")
  const { AppFactory } = await import("@adonisjs/core/factories/app")
  const { Database } = await import("@adonisjs/lucid/database")
  const { stores } = await import("@adonisjs/session")
  const pool = { min: 0, max: connections }
  const pg = { client: "pg", connection: { connectionString: DATABASE_URL }, pool }
  const app = new AppFactory().create(new URL("./", import.meta.url), () => {})
  const db = new Database(
    { connection: "pg", connections: { pg } },
    new LoggerFactory().create(),
    new EmitterFactory().create(app)
  )
  await db.connection().schema.raw(
    `create table if not exists adonis_sessions (id varchar(255) primary key, data text not null,
       user_id varchar(255), expires_at timestamptz not null);
     create index if not exists adonis_user on adonis_sessions (user_id);
     create index if not exists adonis_expiry on adonis_sessions (expires_at)`
  )
  return stores
    .database({ tableName: "adonis_sessions" })
    .resolver({ container: { make: async () => db } })
}

export const adonisFiles = async () => {
  const { stores } = await import("@adonisjs/session")
  return stores.file({ location: join(DIRECTORY, "adonis") })
}

export const adonis = (storeOf) => async () => {
  const { HttpContextFactory, RequestFactory, ResponseFactory } = await import(
    "@adonisjs/core/factories/http"
  )
  const { SessionMiddlewareFactory } = await import("@adonisjs/session/factories")
  const own = await storeOf?.()
  const config = own
    ? { store: "own", age: "2 hours", stores: { own } }
    : { store: "memory", age: "2 hours", stores: {} }
  const middleware = await new SessionMiddlewareFactory().merge({ config }).create()
  const operations = {
    "/read": (session) => session.get("visits"),
    "/write": (session) => {
      session.put("visits", session.get("visits", 0) + 1)
      session.put("text", text)
    },
    "/login": (session) => {
      session.regenerate()
      session.put("user", nextUser())
    },
    "/flash": (session) => {
      session.flashMessages.get("message")
      session.flash("message", nextMessage())
    }
  }
  return listening(async (req, res) => {
    const request = new RequestFactory().merge({ req, res }).create()
    const response = new ResponseFactory().merge({ req, res }).create()
    const context = new HttpContextFactory().merge({ request, response }).create()
    const operation = operations[req.url]
    if (operation) {
      await middleware.handle(context, async () => {
        operation(context.session)
        response.send("ok")
      })
    } else response.send("ok")
    response.finish()
  })
}

/**
 * The session check of better-auth. It keeps no data of an app, so there is nothing to write; `/write` signs a user up, which
 * gives each visitor a session. `cache` is the cookie cache that its guide to performance recommends.
 */
export const betterAuth = (cache) => async () => {
  const { betterAuth } = await import("better-auth")
  const { fromNodeHeaders } = await import("better-auth/node")
  const { getMigrations } = await import("better-auth/db/migration")
  const { default: pg } = await import("pg")
  const options = {
    baseURL: "http://localhost",
    secret,
    database: new pg.Pool({ connectionString: DATABASE_URL, max: connections }),
    session: {
      // connect-pg-simple has the usual name.
      modelName: "better_auth_session",
      cookieCache: { enabled: cache, maxAge: 300 }
    },
    emailAndPassword: {
      enabled: true,
      // Passwords are not what is measured.
      password: { hash: async (password) => password, verify: async () => true }
    },
    rateLimit: { enabled: false }
  }
  await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)
  const stamp = `${process.pid}-${Date.now()}`
  return listening(async (request, response) => {
    if (request.url === "/read") {
      const found = await auth.api.getSession({
        headers: fromNodeHeaders(request.headers),
        returnHeaders: true
      })
      for (const cookie of found.headers.getSetCookie()) response.appendHeader("set-cookie", cookie)
      if (request.headers.cookie && !found.response) response.statusCode = 401
    }
    if (request.url === "/write") {
      const name = nextUser()
      const body = { name, email: `${name}-${stamp}@example.com`, password: secret }
      const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true })
      for (const cookie of headers.getSetCookie()) response.appendHeader("set-cookie", cookie)
    }
    response.setHeader("content-length", 2).end("ok")
  })
}
