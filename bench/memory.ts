/**
 * What the session costs over the bare Effect app, on the memory store: CPU time of the server's process, in
 * microseconds a request.
 *
 * The server runs in a process of its own and is asked over real sockets, in turn without a session, reading one, and
 * writing one of about 200 bytes. The cost is the median over the rounds of the difference within a round, because
 * absolute figures depend on the machine and on what else it does.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { Agent, createServer, get } from "node:http"
import { fileURLToPath } from "node:url"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Session, SessionMiddleware, SessionStore } from "../src/index.js"

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

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const measure = async () => {
  // What a child says comes untyped.
  const child = fork(fileURLToPath(import.meta.url), ["server"], { execArgv: process.execArgv })
  const [{ port }] = (await once(child, "message")) as [{ port: number }]
  const agent = new Agent({ keepAlive: true, maxSockets: connections })

  const ask = (path: string, cookie: string): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const url = { host: "127.0.0.1", port, path, agent, headers: { cookie } }
      get(url, (response) => {
        response.resume()
        const line = response.headers["set-cookie"]?.[0]
        response.on("end", () => resolve(line?.split(";", 1)[0]))
      }).on("error", reject)
    })

  const cpuMicros = async (): Promise<number> => {
    child.send("cpu")
    const [{ system, user }] = (await once(child, "message")) as [NodeJS.CpuUsage]
    return system + user
  }

  const cost = async (path: string, cookieOf: () => string): Promise<number> => {
    const before = await cpuMicros()
    let left = requests
    const worker = async () => {
      while (left-- > 0) await ask(path, cookieOf())
    }
    await Promise.all(Array.from({ length: connections }, worker))
    return ((await cpuMicros()) - before) / requests
  }

  // Many visitors, so that a session is not asked more often than one is.
  const visitors: Array<string> = []
  for (let count = 0; count < 1000; count++) {
    visitors.push((await ask("/session/start", "")) ?? "")
  }
  let turn = 0
  const visitor = () => visitors[turn++ % visitors.length] as string

  const figures = {
    bare: [] as Array<number>,
    read: [] as Array<number>,
    write: [] as Array<number>
  }
  for (let round = -warmUpRounds; round < rounds; round++) {
    const bare = await cost("/plain/answer", visitor)
    const read = await cost("/session/read", visitor)
    const write = await cost("/session/write", visitor)
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
  agent.destroy()
  child.kill("SIGTERM")
}

if (process.argv[2] === "server") serve()
else await measure()
