/** The contestants on Effect 3 and without Effect, by their stores. Those of Effect 4 are in `../effect4/servers.mjs`. */
import {
  bare,
  effectSession,
  inFiles,
  inMemory,
  onMariaDb,
  onPostgres,
  onRedis,
  onSqlite
} from "./effect.mjs"
import {
  adonis,
  adonisDatabase,
  adonisFiles,
  betterAuth,
  express,
  fastify,
  fileStore,
  hono,
  iron,
  pgStore,
  redisStore
} from "./libraries.mjs"
import { run } from "./serve.mjs"

const main = true
const onlyBare = ["/bare"]

const memory = [
  { name: "effect-session, memory", main, open: effectSession(inMemory) },
  { name: "effect-session, memory, untraced", open: effectSession(inMemory, false) },
  { name: "no session, Effect 3", main, routes: onlyBare, open: bare(true) },
  { name: "no session, Effect 3, untraced", routes: onlyBare, open: bare(false) },
  { name: "@fastify/session, memory", main, open: fastify() },
  { name: "hono-sessions, memory", main, open: hono },
  { name: "AdonisJS session, memory", open: adonis() },
  { name: "express-session, memory", open: express() },
  { name: "iron-session, cookie", open: iron }
]

const files = [
  {
    name: "effect-session, files without fsync",
    main,
    open: effectSession(inFiles({ fsync: false }))
  },
  { name: "effect-session, files", open: effectSession(inFiles({})) },
  { name: "AdonisJS session, files", main, open: adonis(adonisFiles) },
  { name: "express-session, session-file-store", open: express(fileStore) }
]

const sqlite = [{ name: "effect-session, SQLite", open: effectSession(onSqlite) }]

const postgres = [
  { name: "effect-session, PostgreSQL", main, open: effectSession(onPostgres) },
  { name: "@fastify/session, connect-pg-simple", main, open: fastify(pgStore) },
  {
    name: "@fastify/session, connect-pg-simple, rolling off",
    main,
    open: fastify(pgStore, { rolling: false })
  },
  { name: "AdonisJS session, PostgreSQL", open: adonis(adonisDatabase) },
  { name: "express-session, connect-pg-simple", open: express(pgStore) },
  { name: "better-auth", routes: ["/bare", "/read"], open: betterAuth(false) },
  { name: "better-auth, cookie cache", routes: ["/bare", "/read"], open: betterAuth(true) }
]

const mariadb = [{ name: "effect-session, MariaDB", open: effectSession(onMariaDb) }]

const redis = [
  { name: "effect-session, Redis", main, open: effectSession(onRedis) },
  { name: "@fastify/session, connect-redis", main, open: fastify(redisStore) },
  { name: "express-session, connect-redis", open: express(redisStore) }
]

const stores = { memory, files, sqlite, postgres, mariadb, redis }

await run(Object.entries(stores).flatMap(([store, some]) => some.map((one) => ({ ...one, store }))))
