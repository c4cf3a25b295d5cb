/**
 * The platform's own server outside the store: it listens before the store is open, and until after it is closed. What becomes
 * of the requests in flight: `test/faults/shutdown.test.ts`.
 */
import { afterEach, describe, expect, it } from "vitest"
import { openBacking } from "../support/backing.js"
import { eventually, freePort } from "../support/process.js"
import { ask, type ServerProcess, startServer } from "./harness.js"

let server: ServerProcess

afterEach(() => server.kill())

describe("a platform's server outside its store", () => {
  it("answers 503 until the store is open, then what was asked", async () => {
    const port = await freePort()
    const setup = { server: "platform", outermost: "server", port, opensAfterMillis: 2000 } as const

    const starting = startServer(setup)
    const early = await eventually(() => ask(port, "/visits"))
    server = await starting
    const later = await ask(port, "/visits")

    expect(early.status).toBe(503)
    expect(early.head).toContain("connection: close")
    expect(early.head).toContain("retry-after: 1")
    expect(later.status).toBe(200)
  })

  it("answers 503 while the store waits for the requests in flight", async () => {
    const backing = await openBacking("files")
    const { argument, store } = backing
    server = await startServer({ store, argument, server: "platform", outermost: "server" })
    const inFlight = ask(server.port, "/slow?millis=3000")
    await server.entered(1)

    server.stop()
    const late = await eventually(async () => {
      const answer = await ask(server.port, "/visits")
      expect(answer.status).not.toBe(200)
      return answer
    })

    expect(late.status).toBe(503)
    expect(late.head).toContain("connection: close")
    expect(await inFlight).toMatchObject({ status: 200, text: "1" })
    expect(await server.exited).toBe(0)
    await backing.close()
  })
})
