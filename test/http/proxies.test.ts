/** The proxies of a request are counted for it alone. */
import { expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { json, pages, withApp } from "./support.js"

it("trustedProxies as a count counts anew for each request", () =>
  withApp(
    pages({ "/start": json(Session.start) }),
    async (server) => {
      const headers = { "x-forwarded-for": "6.6.6.6, 9.9.9.9" }
      await server.client().send("/start", { headers })
      await server.client().send("/start", { headers })

      const summaries = await server.run(SessionAdmin.active({ within: "1 hour" }))

      const addresses = summaries.map(({ ipAddress }) => Option.getOrNull(ipAddress))
      expect(addresses).toEqual(["9.9.9.9", "9.9.9.9"])
    },
    { config: SessionConfig.layer({ trustedProxies: 1 }) }
  ))
