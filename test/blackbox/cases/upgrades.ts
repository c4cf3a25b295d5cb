/** Requests that ask for another protocol: websockets read the session, and what is answered as HTTP is HTTP. */
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import { expect } from "vitest"
import type { Run } from "../apps.js"
import type { Case, Harness } from "../harness.js"
import type { Step } from "../operations.js"
import { visitor } from "./support.js"

/** Sends a request head and gives what came until `enough` matches or the connection closed. */
const talk = (harness: Harness, head: ReadonlyArray<string>, enough: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(harness.port("main"), "127.0.0.1")
    let text = ""
    socket.on("error", reject)
    socket.on("close", () => resolve(text))
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (enough.test(text)) socket.destroy()
    })
    socket.write(`${head.join("\r\n")}\r\n\r\n`)
  })

const run = (run: Run): string => `x-run: ${encodeURIComponent(JSON.stringify(run))}`

/** The head of a handshake. */
const handshake = (path: string, ...headers: ReadonlyArray<string>): ReadonlyArray<string> => [
  `GET ${path} HTTP/1.1`,
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ...headers
]

export const upgradeCases: ReadonlyArray<Case> = [
  [
    "a websocket reads the session, writes nothing and gets no cookie",
    async (harness) => {
      const client = await visitor(harness)
      const text = await talk(harness, handshake("/socket", `Cookie: ${client.cookie}`), /a is/)

      expect(text).toMatch(/^HTTP\/1\.1 101 /)
      expect(text).toContain("a is 1")
      expect(text).not.toMatch(/set-cookie/i)
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "an answer to a request that offered h2c is an answer like any other: committed, with its cookie",
    async (harness) => {
      const text = await talk(
        harness,
        [
          "GET /run HTTP/1.1",
          "Host: localhost",
          "Connection: Upgrade, HTTP2-Settings",
          "Upgrade: h2c",
          "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
          run({ steps: [["put", "a", 1]] })
        ],
        /results/
      )
      const cookie = /set-cookie: (__Host-session=[^;]+)/i.exec(text)?.[1]

      expect(text).toMatch(/^HTTP\/1\.1 200 /)
      expect(cookie).toBeDefined()
      const answer = await harness.client().ask({ steps: [["get", "a"]], cookie: cookie ?? null })
      expect(answer.results).toEqual([{ some: 1 }])
    }
  ],
  [
    "an empty answer to a request that offered a websocket is committed, with its cookie",
    async (harness) => {
      const client = await visitor(harness)
      const steps: ReadonlyArray<Step> = [["put", "b", 1], ["regenerate"]]
      const text = await talk(
        harness,
        handshake("/run", `Cookie: ${client.cookie}`, run({ steps, as: "empty" })),
        /\r\n\r\n/
      )
      const cookie = /set-cookie: (__Host-session=[^;]+)/i.exec(text)?.[1]

      expect(text).toMatch(/^HTTP\/1\.1 204 /)
      expect(cookie).not.toBe(client.cookie)
      const answer = await harness.client().ask({ steps: [["all"]], cookie: cookie ?? null })
      expect(answer.results).toEqual([{ a: 1, b: 1 }])
    }
  ],
  [
    "a websocket stores what it commits, and leaves the browser its id",
    async (harness) => {
      const client = await visitor(harness)
      const late: ReadonlyArray<Step> = [["put", "c", 1], ["regenerate"], ["commit"]]
      const text = await talk(
        harness,
        handshake("/socket", `Cookie: ${client.cookie}`, run({ late })),
        /late: /
      )

      expect(text).toContain("late: Success")
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, b: 1, c: 1 }])
    }
  ],
  [
    "a websocket logs nobody in",
    async (harness) => {
      const client = await visitor(harness)
      const text = await talk(
        harness,
        handshake("/socket", `Cookie: ${client.cookie}`, run({ late: [["login", "ann"]] })),
        /late: /
      )

      expect(text).toContain("late: Failure")
      expect(await client.elsewhere(["all"], ["userId"])).toEqual([{ a: 1 }, null])
    }
  ]
]
