/** What the OpenAPI document of an HttpApi says about the session. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import { build } from "esbuild"
import * as SessionHttpApi from "../../src/SessionHttpApi.js"

class LoggedIn extends HttpApiMiddleware.Tag<LoggedIn>()("LoggedIn", {
  failure: SessionHttpApi.SessionUnauthenticated,
  security: { session: SessionHttpApi.securityWith({ cookie: "sid" }) }
}) {}

const users = HttpApiGroup.make("users")
  .add(HttpApiEndpoint.post("login", "/login").addError(SessionHttpApi.SessionRefused))
  .add(
    HttpApiEndpoint.post("changePassword", "/password")
      .addError(SessionHttpApi.SessionReauthenticationRequired)
      .addError(SessionHttpApi.SessionConflict)
      .middleware(LoggedIn)
  )
  .middleware(SessionHttpApi.HttpApi)
  .middleware(SessionHttpApi.GuardHttpApi)

const orders = HttpApiGroup.make("orders")
  .add(HttpApiEndpoint.post("order", "/orders"))
  .middleware(SessionHttpApi.HttpApi)
  .middleware(SessionHttpApi.CsrfHttpApi)

const document = OpenApi.fromApi(HttpApi.make("shop").add(users).add(orders))

const responsesOf = (path: string) =>
  Object.fromEntries(
    Object.entries(document.paths[path]?.post?.responses ?? {}).map(([status, response]) => [
      status,
      response?.description
    ])
  )

describe("the OpenAPI document", () => {
  it("names schemas without slashes", () => {
    const { HttpApiDecodeError, Issue, PropertyKey, ...own } = document.components.schemas

    expect([HttpApiDecodeError, Issue, PropertyKey].every((one) => one !== undefined)).toBe(true)
    expect(Object.keys(own).sort()).toEqual([
      "CsrfRejected",
      "SessionConflict",
      "SessionReauthenticationRequired",
      "SessionRefused",
      "SessionUnauthenticated",
      "SessionUnavailable"
    ])
    expect(JSON.stringify(document)).not.toContain("effect-session/")
  })

  it("describes each error with its status", () => {
    expect(responsesOf("/login")).toMatchObject({
      403: "The login was refused.",
      503: "The session store is unavailable."
    })
    expect(responsesOf("/password")).toMatchObject({
      401: "Please log in.",
      403: "Please log in again to do this.",
      409: "Another request of this session came first. Please try again.",
      503: "The session store is unavailable."
    })
    expect(responsesOf("/orders")).toMatchObject({ 403: "The CSRF check refused the request." })
  })

  it("shows the cookie for the endpoints whose middleware asks for it", () => {
    expect(document.components.securitySchemes).toEqual({
      session: {
        type: "apiKey",
        in: "cookie",
        name: "sid",
        description: "The cookie of the session. A login sets it."
      }
    })
    expect(document.paths["/password"]?.post?.security).toEqual([{ session: [] }])
    expect(document.paths["/login"]?.post?.security).toEqual([])
  })

  it("calls the cookie as the settings do by default", () => {
    expect(SessionHttpApi.security).toMatchObject({ in: "cookie", key: "__Host-session" })
  })
})

it("a definition that a browser shares needs nothing of Node", async () => {
  const { outputFiles, warnings } = await build({
    entryPoints: [new URL("../../src/SessionHttpApi.ts", import.meta.url).pathname],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    logLevel: "silent"
  })

  expect(warnings).toEqual([])
  expect(outputFiles[0]?.text).not.toMatch(/\bfrom "node:|\brequire\("node:/)
})
