/** The session's errors declared by an `HttpApi`: what a client is told of them, and what it never is. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Errors from "../../src/internal/errors/errors.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { storeWith } from "../support/storeWith.js"
import { withLayer } from "./support.js"

const host = "db-internal.corp"
const cause = new Error(`connect ECONNREFUSED ${host}:5432 user=admin`)

const storeError = new Session.SessionStoreError({
  operation: "insert",
  reason: "unavailable",
  cause
})

/** One of each, with what its client is told. */
const errors = {
  SessionStoreError: [storeError, 503],
  SessionConflict: [new Session.SessionConflict({ operation: "commit", reason: "busy" }), 409],
  SessionRefused: [new Session.SessionRefused({ reason: "limit" }), 403],
  SessionUnauthenticated: [new Session.SessionUnauthenticated(), 401],
  SessionReauthenticationRequired: [
    new Session.SessionReauthenticationRequired({ reason: "stale" }),
    403
  ],
  SessionDecodeError: [new Session.SessionDecodeError({ key: "cart" }), 500],
  SessionEncodeError: [
    new Session.SessionEncodeError({ operation: "commit", key: "", reason: "it is too large" }),
    500
  ],
  SessionKeyError: [
    new Session.SessionKeyError({ operation: "put", key: "a..b", reason: "it is empty" }),
    500
  ],
  SessionTypeError: [
    new Session.SessionTypeError({ operation: "push", key: "a", reason: "it holds a text" }),
    500
  ]
} as const

const AnyError = Schema.Union(
  Session.SessionStoreError,
  Session.SessionConflict,
  Session.SessionRefused,
  Session.SessionUnauthenticated,
  Session.SessionReauthenticationRequired,
  Session.SessionDecodeError,
  Session.SessionEncodeError,
  Session.SessionKeyError,
  Session.SessionTypeError
)

class Users extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.post("login", "/login")
      .addSuccess(Schema.String)
      .addError(Session.SessionStoreError)
      .addError(Session.SessionRefused)
  )
  .add(HttpApiEndpoint.post("dies", "/dies").addSuccess(Schema.String))
  .add(HttpApiEndpoint.get("account", "/account").addError(Session.SessionUnauthenticated))
  .add(
    HttpApiEndpoint.get("fails", "/fails/:tag")
      .setPath(Schema.Struct({ tag: Schema.Literal(...Object.keys(errors)) }))
      .addError(Session.SessionStoreError)
      .addError(Session.SessionConflict)
      .addError(Session.SessionRefused)
      .addError(Session.SessionUnauthenticated)
      .addError(Session.SessionReauthenticationRequired)
      .addError(Session.SessionDecodeError)
      .addError(Session.SessionEncodeError)
      .addError(Session.SessionKeyError)
      .addError(Session.SessionTypeError)
  )
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Users) {}

const users = HttpApiBuilder.group(Api, "users", (handlers) =>
  handlers
    .handle("login", () => Effect.as(Session.login("ada"), "hello"))
    .handle("dies", () => Effect.as(Effect.orDie(Session.login("ada")), "hello"))
    .handle("account", () => Effect.asVoid(Session.requireUser))
    .handle("fails", ({ path }) => Effect.fail(errors[path.tag as keyof typeof errors][0]))
).pipe(Layer.provide(SessionMiddleware.layerHttpApi))

const serving = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(users)
)

const failing = { store: storeWith(() => ({ insert: () => Effect.fail(storeError) })) }

describe("errors that an HttpApi declares", () => {
  it("never show the cause of a store failure, whether it was declared or not", () =>
    withLayer(
      serving,
      async (server) => {
        for (const path of ["/login", "/dies"]) {
          const answer = await server.client().send(path, { method: "POST" })

          expect(answer.status).toBe(503)
          expect([answer.text, ...answer.headers].join()).not.toMatch(/corp|ECONN|5432|admin/)
        }
      },
      failing
    ))

  it("are answered with their status, and a client decodes them", () =>
    withLayer(serving, async (server) => {
      for (const [tag, [error, status]] of Object.entries(errors)) {
        const answer = await server.client().send(`/fails/${tag}`)

        expect([tag, answer.status]).toEqual([tag, status])
        expect(answer.text).not.toContain(host)
        const decoded = Schema.decodeUnknownSync(AnyError)(JSON.parse(answer.text))
        expect(decoded).toBeInstanceOf(error.constructor)
        expect(decoded.message).toBe(error.message)
        expect(decoded.cause).toBeUndefined()
      }
    }))

  it("answer 401 where a user is required and nobody is logged in", () =>
    withLayer(serving, async (server) => {
      const client = server.client()
      const guest = await client.send("/account")
      await client.send("/login", { method: "POST" })
      const user = await client.send("/account")

      expect([guest.status, guest.text]).toEqual([401, '{"_tag":"SessionUnauthenticated"}'])
      expect(user.status).toBe(204)
    }))

  it("stand in the OpenAPI document under short names, each with a sentence", () => {
    const document = OpenApi.fromApi(Api)
    const names = Object.keys(document.components.schemas).filter((name) => name in errors)
    const responses = document.paths["/fails/{tag}"]?.get?.responses ?? {}
    const described = [401, 403, 409, 500].map((status) => responses[status]?.description)

    expect(names.sort()).toEqual(Object.keys(errors).sort())
    for (const text of described) expect(text).toMatch(/^[A-Z][^/]*\.$/)
    expect(JSON.stringify(document)).not.toContain('"cause"')
  })
})

describe("the cause of a SessionStoreError", () => {
  it("stays on the error, for logs", () => {
    expect(storeError.cause).toBe(cause)
    expect(Cause.pretty(Cause.fail(storeError), { renderErrorCause: true })).toContain(host)
  })

  it("is in no text and in no JSON of the error", () => {
    const unions = Schema.encodeSync(AnyError)(storeError)
    const texts = [storeError.message, String(storeError), JSON.stringify(storeError)]

    for (const text of [...texts, JSON.stringify(unions)]) expect(text).not.toContain(host)
  })
})

describe("every error of the library", () => {
  it("says what a client is told of it, under a short name", () => {
    const nameOf = ({ ast }: Schema.Schema.Any) =>
      ast._tag === "Transformation"
        ? ast.to.annotations[SchemaAST.IdentifierAnnotationId]
        : undefined

    const told = Object.entries(Errors).flatMap(([name, schema]) =>
      name.startsWith("Session")
        ? [[name, nameOf(schema), HttpApiSchema.getStatusError(schema) !== 500 || name in internal]]
        : []
    )

    expect(told).toEqual(told.map(([name]) => [name, name, true]))
    expect(told.length).toBe(Object.keys(errors).length + 1)
  })
})

/** The errors of the program itself. */
const internal = {
  SessionConfigError: 500,
  SessionDecodeError: 500,
  SessionEncodeError: 500,
  SessionKeyError: 500,
  SessionTypeError: 500
}
