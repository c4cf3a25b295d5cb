/**
 * Runs one contestant as a server of its own, `node servers.mjs <name>`, or lists all of them where no name is given.
 *
 * Each has the same routes: `/bare` without a session, `/read` a value, `/write` a counter and a text of `PAYLOAD` characters,
 * `/login`, which gives the session a new id and a user, and `/flash`, which reads the last message and leaves another one.
 * `DATABASE_URL`, `REDIS_URL` and `DIRECTORY` say where sessions are kept. Answers each message of its parent with the CPU it
 * has used and the memory it holds.
 */
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"

export const { DATABASE_URL, DIRECTORY = "", REDIS_URL } = process.env
export const secret = "a secret of the benchmark, at least 32 characters long"
/** Connections to a database. */
export const connections = 16
const characters = Number(process.env.PAYLOAD ?? 150)
// A text that the database cannot compress away.
export const text = randomBytes(characters).toString("base64url").slice(0, characters)

let users = 0
let messages = 0
export const nextUser = () => `user-${users++}`
export const nextMessage = () => `saved ${messages++}`

/** This library's app on either line of Effect: what it needs of that line, the library, and the answer of every route. */
export const appOf = ({ Effect, HttpServerRequest }, { Session, SessionMiddleware }, answer) => {
  const then = (first, second) => Effect.flatMap(first, () => second)
  const operations = {
    "/read": Session.get("visits"),
    "/write": then(Session.increment("visits"), Session.put("text", text)),
    "/login": Effect.suspend(() => Session.login(nextUser())),
    "/flash": then(
      Session.get("message"),
      Effect.suspend(() => Session.flash("message", nextMessage()))
    )
  }
  const at = (run) => Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => run(url))
  const sessions = SessionMiddleware.middleware(
    at((path) => then(operations[path] ?? Effect.void, answer))
  )
  return at((path) => (path === "/bare" ? answer : sessions))
}

/** All routes, where a contestant does not say which it has. */
const routes = ["/bare", "/read", "/write", "/login", "/flash"]

const open = async (start) => {
  process.on("message", () => {
    const { system, user } = process.cpuUsage()
    process.send({ cpuMicros: user + system, rss: process.memoryUsage().rss })
  })
  process.on("disconnect", () => process.exit(0))
  const server = createServer({ keepAliveTimeout: 0 })
  server.once("listening", () => process.send({ port: server.address().port }))
  const listen = await start()
  listen(server)
}

/** A contestant: its `name`, its `store`, whether it is in the `main` table, its `routes`, and how to `open` it. */
export const run = async (contestants) => {
  const wanted = process.argv[2]
  if (wanted === undefined) {
    console.log(JSON.stringify(contestants.map(({ open, ...about }) => ({ routes, ...about }))))
  } else await open(contestants.find(({ name }) => name === wanted).open)
}
