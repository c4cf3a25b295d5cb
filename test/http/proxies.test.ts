import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { json, pages, withApp } from "./support.js"

const app = pages({ "/start": json(Session.start) })

/** The address that is stored for a request with this header. */
const stored = async (
  trustedProxies: ReadonlyArray<string> | number,
  forwardedFor: string
): Promise<string | null> => {
  let address: string | null = null
  await withApp(
    app,
    async (server) => {
      await server.client().send("/start", { headers: { "x-forwarded-for": forwardedFor } })
      const [summary] = await server.run(SessionAdmin.active({ within: "1 hour" }))
      address = summary === undefined ? null : Option.getOrNull(summary.ipAddress)
    },
    { config: SessionConfig.layer({ trustedProxies }) }
  )
  return address
}

describe("trustedProxies", () => {
  it("stores the socket's address where none is trusted, whatever a client claims", async () => {
    expect(await stored([], "9.9.9.9")).toBe("127.0.0.1")
  })

  it("stores what a trusted proxy reports", async () => {
    expect(await stored(["127.0.0.1"], "9.9.9.9")).toBe("9.9.9.9")
  })

  it("passes over the proxies of a listed range", async () => {
    expect(await stored(["127.0.0.1", "10.0.0.0/8"], "6.6.6.6, 9.9.9.9, 10.1.2.3")).toBe("9.9.9.9")
  })

  it("as a count believes as many hops, and no more", async () => {
    expect(await stored(1, "6.6.6.6, 9.9.9.9")).toBe("9.9.9.9")
    expect(await stored(2, "6.6.6.6, 9.9.9.9, 10.1.2.3")).toBe("9.9.9.9")
  })

  it("as a count counts anew for each request", async () => {
    await withApp(
      app,
      async (server) => {
        const headers = { "x-forwarded-for": "9.9.9.9" }
        await server.client().send("/start", { headers })
        await server.client().send("/start", { headers })
        const summaries = await server.run(SessionAdmin.active({ within: "1 hour" }))

        const addresses = summaries.map(({ ipAddress }) => Option.getOrNull(ipAddress))
        expect(addresses).toEqual(["9.9.9.9", "9.9.9.9"])
      },
      { config: SessionConfig.layer({ trustedProxies: 1 }) }
    )
  })
})
