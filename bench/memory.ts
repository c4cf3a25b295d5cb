/**
 * What the session costs over the bare Effect app, on the memory store: CPU time of the server's process, in
 * microseconds a request.
 *
 * The server runs in a process of its own and is asked over real sockets, in turn without a session, reading one, and
 * writing one of about 200 bytes. The cost is the median over the rounds of the difference within a round, because
 * absolute figures depend on the machine and on what else it does. The client is light, so that it always waits for the
 * server: one that is as slow as the server is woken up more often the slower the server gets, and the kernel counts
 * that as CPU time of the server.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Session, SessionMiddleware, SessionStore } from "../src/index.js"
import { median, type Visitor, visitor } from "./support/load.js"

// Many short rounds: what else the machine does hits all three kinds of requests of a round alike.
const rounds = Number(process.env.BENCH_ROUNDS ?? 45)
const requests = Number(process.env.BENCH_REQUESTS ?? 1000)
const warmUpRounds = 8
const connections = 64

// ---------------------------------------------------------------------------------------------------------------------
// the server's process
// ---------------------------------------------------------------------------------------------------------------------

const answer = HttpServerResponse.text("ok")

const sessions = HttpRouter.empty.pipe(
  HttpRouter.get("/start", Effect.zipRight(Session.put("text", "x".repeat(150)), answer)),
  HttpRouter.get("/read", Effect.zipRight(Session.get("visits"), answer)),
  HttpRouter.get("/write", Effect.zipRight(Session.increment("visits"), answer)),
  SessionMiddleware.middleware
)

const plain = HttpRouter.empty.pipe(HttpRouter.get("/answer", answer))

const app = HttpRouter.empty.pipe(
  HttpRouter.mountApp("/plain", plain),
  HttpRouter.mountApp("/session", sessions)
)

const telling = Layer.effectDiscard(
  Effect.map(HttpServer.HttpServer, ({ address }) => {
    process.on("message", () => process.send?.(process.cpuUsage()))
    process.send?.(address)
  })
)

const serve = () =>
  Layer.mergeAll(HttpServer.serve(app), telling).pipe(
    Layer.provide(SessionStore.layerMemory),
    Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
    Layer.launch,
    NodeRuntime.runMain
  )

// ---------------------------------------------------------------------------------------------------------------------
// the measuring process
// ---------------------------------------------------------------------------------------------------------------------

const measure = async () => {
  // What a child says comes untyped.
  const child = fork(fileURLToPath(import.meta.url), ["server"], { execArgv: process.execArgv })
  const [{ port }] = (await once(child, "message")) as [{ port: number }]
  const clients = await Promise.all(Array.from({ length: connections }, () => visitor(port)))

  const cpuMicros = async (): Promise<number> => {
    child.send("cpu")
    const [{ system, user }] = (await once(child, "message")) as [NodeJS.CpuUsage]
    return system + user
  }

  const cost = async (path: string): Promise<number> => {
    const before = await cpuMicros()
    let left = requests
    const work = async (client: Visitor) => {
      while (left-- > 0) {
        client.cookie = cookies[turn++ % cookies.length] ?? ""
        const status = await client.send(path)
        if (status !== 200) throw new Error(`${path} answered ${status}`)
      }
    }
    await Promise.all(clients.map(work))
    return ((await cpuMicros()) - before) / requests
  }

  // Many visitors, so that a session is not asked more often than one is.
  const cookies: Array<string> = []
  const [first] = clients
  for (let count = 0; first !== undefined && count < 1000; count++) {
    first.cookie = ""
    await first.send("/session/start")
    cookies.push(first.cookie)
  }
  let turn = 0

  const figures = {
    bare: [] as Array<number>,
    read: [] as Array<number>,
    write: [] as Array<number>
  }
  for (let round = -warmUpRounds; round < rounds; round++) {
    const bare = await cost("/plain/answer")
    const read = await cost("/session/read")
    const write = await cost("/session/write")
    if (round < 0) continue
    figures.bare.push(bare)
    figures.read.push(read - bare)
    figures.write.push(write - bare)
  }
  const bare = median(figures.bare)
  const tell = (name: string, own: number, goal: number) => {
    const share = (bare / (bare + own)).toFixed(2)
    console.log(
      `own cost of a ${name} ${own.toFixed(1)} us (goal: at most ${goal}), ${share}x of the bare app`
    )
  }
  console.log(`bare app:            ${bare.toFixed(1)} us CPU a request`)
  tell("read: ", median(figures.read), 15)
  tell("write:", median(figures.write), 30)
  for (const client of clients) client.close()
  child.kill("SIGTERM")
}

if (process.argv[2] === "server") serve()
else await measure()
