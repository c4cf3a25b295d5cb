/**
 * What the session costs over the bare Effect app, on the memory store, in microseconds of CPU a request.
 *
 * Runs both apps in turn in this process, through the web handler (no sockets), so the difference is the
 * library's own. Medians of the rounds; the absolute figures depend on the machine.
 */
import { HttpApp, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { Session, SessionMiddleware, SessionStore } from "../src/index.js"

const rounds = 7
const requests = 10_000

const answer = HttpServerResponse.text("ok")
let writing = true

// One store for reading and writing, so that reading finds a session.
const app = SessionMiddleware.middleware(
  Effect.suspend(() =>
    writing
      ? Effect.zipRight(Session.increment("visits"), answer)
      : Effect.zipRight(Session.get("visits"), answer)
  )
)

type Handler = (request: Request) => Promise<Response>

const bare: Handler = HttpApp.toWebHandler(answer)
const session: Handler = HttpApp.toWebHandlerLayer(
  Effect.orDie(app),
  SessionStore.layerMemory
).handler

const cookieOf = async (handler: Handler): Promise<string> => {
  const response = await handler(new Request("http://localhost/"))
  return (response.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? ""
}

const measure = async (handler: Handler, cookie: string): Promise<number> => {
  const headers = { cookie }
  const before = process.cpuUsage()
  for (let count = 0; count < requests; count++) {
    await handler(new Request("http://localhost/", { headers }))
  }
  const { system, user } = process.cpuUsage(before)
  return (user + system) / requests
}

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const main = async () => {
  const cookie = await cookieOf(session)
  const figures = {
    bare: [] as Array<number>,
    read: [] as Array<number>,
    write: [] as Array<number>
  }
  for (let round = 0; round <= rounds; round++) {
    const base = await measure(bare, cookie)
    writing = false
    const read = await measure(session, cookie)
    writing = true
    const write = await measure(session, cookie)
    if (round === 0) continue
    figures.bare.push(base)
    figures.read.push(read - base)
    figures.write.push(write - base)
  }
  console.log(`bare app: ${median(figures.bare).toFixed(1)} us CPU a request`)
  console.log(`own cost of a read:  ${median(figures.read).toFixed(1)} us (goal: at most 15)`)
  console.log(`own cost of a write: ${median(figures.write).toFixed(1)} us (goal: at most 30)`)
}

await main()
