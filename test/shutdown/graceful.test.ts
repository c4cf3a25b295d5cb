/** What a server that stops does with its connections: a real process, told to end by SIGTERM. */
import { once } from "node:events"
import { afterEach, describe, expect, it } from "vitest"
import { eventually, pause } from "../support/process.js"
import { answered, ask, dial, request, type ServerProcess, startServer } from "./harness.js"

let server: ServerProcess

afterEach(() => server.kill())

/** Opens a websocket; `answers` tells whether the client answers the server's closing frame. */
const openWebSocket = async (path: string, answers: boolean) => {
  const line = await dial(server.port)
  const upgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
  line.write(request(path, "", upgrade))
  await eventually(async () => expect(line.received()).toContain("101 Switching Protocols"))
  const head = line.received().length
  const frames = () => Buffer.from(line.received().slice(head), "latin1")
  if (answers) {
    line.socket.on("data", () => {
      const isClosing = frames()[0] === 0x88
      // A closing frame of a client: final, opcode 8, masked, empty.
      if (isClosing) line.socket.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
    })
  }
  return { ...line, frames }
}

describe("a graceful server that is told to end", () => {
  it("closes idle connections, and those never used, while answers are still due", async () => {
    server = await startServer()
    const idle = await dial(server.port)
    idle.write(request("/visits"))
    await answered(idle)
    const unused = await dial(server.port)
    const slow = ask(server.port, "/slow?millis=1500")
    await server.entered(1)

    server.stop()

    const first = await Promise.race([
      Promise.all([idle.closed, unused.closed]).then(() => "idle"),
      slow.then(() => "slow")
    ])
    expect(first).toBe("idle")
    expect(await slow).toMatchObject({ status: 200, text: "1" })
  })

  it("refuses new connections while answers are still due", async () => {
    server = await startServer()
    const slow = ask(server.port, "/slow?millis=1500")
    await server.entered(1)
    const idle = await dial(server.port)

    server.stop()
    await idle.closed

    await expect(dial(server.port)).rejects.toThrow("ECONNREFUSED")
    expect((await slow).status).toBe(200)
  })

  it("says in its last answers that the connection closes", async () => {
    server = await startServer()
    const slow = ask(server.port, "/slow?millis=500")
    await server.entered(1)

    server.stop()

    expect((await slow).head).toContain("connection: close")
  })

  it("answers a request that is just coming in", async () => {
    server = await startServer()
    const slow = ask(server.port, "/slow?millis=1500")
    await server.entered(1)
    const late = await dial(server.port)
    const [half, rest] = ["GET /slow?millis=1 HTTP/1.1\r\nHost: loc", "alhost\r\n\r\n"]
    late.write(half)
    await pause(100)

    server.stop()
    await pause(100)
    late.write(rest)

    const answer = await answered(late)
    expect(answer).toMatchObject({ status: 200, text: "1" })
    expect(answer.head).toContain("connection: close")
    await slow
  })

  it("refuses a request that arrives when everything is closing, instead of leaving it without an answer", async () => {
    server = await startServer()
    // Its handler holds the closing up for a while, after the last answer.
    await openWebSocket("/socket?millis=700", true)
    const late = await dial(server.port)
    late.write("GET /visits HTTP/1.1\r\nHost: loc")
    await pause(100)

    server.stop()
    await pause(300)
    late.write("alhost\r\n\r\n")

    const answer = await answered(late)
    expect(answer.status).toBe(503)
    expect(answer.head).toContain("connection: close")
    expect(answer.head).toContain("retry-after")
    expect(await server.exited).toBe(0)
  })

  it("answers all requests that were sent at once on one connection", async () => {
    server = await startServer()
    const line = await dial(server.port)
    line.write(request("/slow?millis=2000").repeat(3))
    await server.entered(3)

    server.stop()

    const received = await line.closed
    expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
    expect(received.match(/connection: close/gi)).toHaveLength(1)
  })

  it("finishes a streaming answer and closes its connection then", async () => {
    server = await startServer()
    const line = await dial(server.port)
    line.write(request("/stream"))
    await eventually(async () => expect(line.received()).toContain("2;"))

    server.stop()

    const received = await line.closed
    expect(received).toContain("19;")
    expect(received.endsWith("0\r\n\r\n")).toBe(true)
    expect(await server.exited).toBe(0)
  })

  it("sends a large answer whole to a client that reads slowly", async () => {
    server = await startServer()
    const bytes = 20_000_000
    const line = await dial(server.port)
    line.write(request(`/large?bytes=${bytes}&millis=1`))
    await once(line.socket, "data")
    line.socket.pause()
    await pause(200)

    server.stop()
    await pause(500)
    line.socket.resume()

    const received = await line.closed
    expect(received.length - received.indexOf("\r\n\r\n") - 4).toBe(bytes)
    expect(await server.exited).toBe(0)
  })

  it("closes websockets, and ends at once when their clients agree", async () => {
    server = await startServer()
    const websocket = await openWebSocket("/socket", true)

    server.stop()

    await websocket.closed
    expect(websocket.frames()[0]).toBe(0x88)
    expect(await server.exited).toBe(0)
  })

  it("ends within two seconds though a websocket's client never answers", async () => {
    server = await startServer()
    await openWebSocket("/socket", false)

    server.stop()
    const beganMillis = performance.now()

    expect(await server.exited).toBe(0)
    expect(performance.now() - beganMillis).toBeLessThan(2000)
  })

  it("ends within two seconds though a request never comes in whole", async () => {
    server = await startServer()
    const half = await dial(server.port)
    half.write("GET /visits HTTP/1.1\r\nHost: loc")
    await pause(100)

    server.stop()
    const beganMillis = performance.now()

    expect(await server.exited).toBe(0)
    expect(performance.now() - beganMillis).toBeLessThan(2000)
  })

  it("cuts off at the deadline what is not answered until then", async () => {
    server = await startServer({ deadlineMillis: 500 })
    const endless = await dial(server.port)
    endless.write(request("/slow?millis=60000"))
    await server.entered(1)

    server.stop()

    expect(await endless.closed).toBe("")
    expect(await server.exited).toBe(0)
  })

  it("ends on SIGINT as on SIGTERM", async () => {
    server = await startServer()
    const slow = ask(server.port, "/slow?millis=500")
    await server.entered(1)

    server.child.kill("SIGINT")

    expect((await slow).status).toBe(200)
    expect(await server.exited).toBe(0)
  })
})
