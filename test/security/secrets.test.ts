/** One life of sessions with everything recorded that leaves a server but answers: nothing in it is a secret. */
import { randomBytes } from "node:crypto"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Csrf from "../../src/Csrf.js"
import { tokenId } from "../../src/core/record/token.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionGc from "../../src/SessionGc.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { type Client, type Server, withLayer } from "../http/support.js"
import { lacksRedis } from "../support/redis.js"
import { aNamespace, asked, tokenOf } from "./app.js"
import { hearing } from "./hearing.js"
import { memoryPlace, type Place, redisPlace, sqlitePlace } from "./places.js"

const marker = `payloadMarker${randomBytes(6).toString("hex")}`

/** What a handler does, by the name in the query; it answers with a text. */
const deeds = {
  put: Effect.as(Session.put("note", { text: marker }), "put"),
  flash: Effect.as(Session.flash("notice", marker), "flashed"),
  login: Effect.as(Session.login("ann"), "in"),
  logout: Effect.as(Session.logout, "out"),
  regenerate: Session.regenerate,
  migrate: Session.migrate(),
  token: Session.csrfToken,
  wrongType: Effect.zipRight(Session.put("note", marker), Session.increment("note")),
  wrongKey: Effect.zipRight(Session.put("a.__proto__", marker), Effect.succeed("")),
  tooLarge: Effect.as(Session.put("big", marker.repeat(10_000)), ""),
  wrongSchema: Session.get("note", Schema.Number),
  broken: Effect.zipRight(Session.put("note", marker), Effect.die(new Error("broken"))),
  failing: Effect.zipRight(Session.put("note", marker), Effect.fail({ _tag: "Failing" }))
} as const

const act = Effect.flatMap(asked("do"), (name) => {
  const deed =
    Object.entries(deeds).find(([known]) => known === name)?.[1] ?? Effect.succeed("none")
  // The deeds have errors of many kinds.
  return Effect.map(deed as Effect.Effect<unknown, unknown, Session.Session>, String)
})

const answering = Effect.map(act, (text) => HttpServerResponse.text(text))

const router = HttpServer.serve(
  HttpRouter.empty.pipe(
    HttpRouter.all("/act", answering),
    Csrf.middleware,
    SessionMiddleware.middleware
  ),
  HttpMiddleware.logger
)

const layerRouter = HttpLayerRouter.serve(
  HttpLayerRouter.add("*", "/act", answering).pipe(
    Layer.provide(Csrf.layer),
    Layer.provide(SessionMiddleware.layer)
  ),
  { disableListenLog: true }
)

class Acts extends HttpApiGroup.make("acts")
  .add(HttpApiEndpoint.get("get", "/act").addSuccess(Schema.String))
  .add(HttpApiEndpoint.post("post", "/act").addSuccess(Schema.String))
  .middleware(Csrf.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Acts) {}

const httpApi = HttpApiBuilder.serve(HttpMiddleware.logger).pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(
    HttpApiBuilder.group(Api, "acts", (handlers) =>
      handlers.handle("get", () => Effect.orDie(act)).handle("post", () => Effect.orDie(act))
    ).pipe(Layer.provide(Csrf.layerHttpApi), Layer.provide(SessionMiddleware.layerHttpApi))
  )
)

const mounts = [
  ["HttpRouter", router],
  ["HttpLayerRouter", layerRouter],
  ["HttpApi", httpApi]
] as const

/** Takes down all that is logged and traced, and what is still in errors when they are printed. */
const recording = () => {
  const lines: Array<string> = []
  const note = (...things: ReadonlyArray<unknown>) => {
    for (const thing of things) lines.push(printed(thing))
  }
  const logger = Logger.make(({ annotations, cause, message, spans }) => {
    note(message, [...annotations], Cause.pretty(cause, { renderErrorCause: true }), cause, [
      ...spans
    ])
  })
  const tracer = Tracer.make({
    span: (...given) => {
      const inner = native.span(...given)
      const end = inner.end.bind(inner)
      // An exporter sees the span when it has ended.
      inner.end = (time, exit) => {
        const ended = Exit.isFailure(exit) ? [Cause.pretty(exit.cause), exit.cause] : []
        end(time, exit)
        note(inner.name, [...inner.attributes], ended)
      }
      inner.event = (...event) => note(event)
      return inner
    },
    context: (f) => f()
  })
  return {
    text: () => lines.join("\n"),
    layer: Layer.mergeAll(
      Logger.replace(Logger.defaultLogger, logger),
      Logger.minimumLogLevel(LogLevel.All),
      Layer.setTracer(tracer)
    )
  }
}

const native = Effect.runSync(Effect.tracer)

/** A value as loggers print it, errors with all that hangs on them. */
const printed = (thing: unknown): string =>
  typeof thing === "string"
    ? thing
    : `${String(thing)} ${JSON.stringify(thing, (_key, value: unknown) => {
        if (typeof value === "bigint") return value.toString()
        if (!(value instanceof Error)) return value
        return { ...value, message: value.message, stack: value.stack, cause: value.cause }
      })}`

/** All cookies and CSRF tokens that were handed out. */
interface Issued {
  readonly tokens: Set<string>
  readonly csrf: Set<string>
}

const live = async (server: Server, issued: Issued): Promise<void> => {
  const client = server.client()
  const visit = async (deed: string, init?: RequestInit, by: Client = client) => {
    const answer = await by.send(`/act?do=${deed}`, init)
    for (const line of answer.setCookies) {
      const token = /^[^=]+=([^;]{43});/.exec(line)?.[1]
      if (token !== undefined) issued.tokens.add(token)
    }
    return answer.text.replaceAll('"', "")
  }
  for (const deed of ["put", "flash", "login", "regenerate"]) await visit(deed)
  const stale = server.client(client.cookie)
  for (const deed of ["migrate", "put"]) await visit(deed)
  await visit("put", {}, stale)
  const csrf = await visit("token")
  issued.csrf.add(csrf)
  const post = (token: string) =>
    visit("put", { method: "POST", headers: { "x-csrf-token": token } })
  await post(csrf)
  await post(`${csrf.slice(0, -4)}AAAA`)
  for (const deed of ["wrongType", "wrongKey", "tooLarge", "wrongSchema", "broken", "failing"]) {
    await visit(deed)
  }
  await visit("put", {}, server.client(`__Host-session=${tokenOf(client)}x`))
  await server.run(SessionGc.collect)
}

/** The texts of one secret that must be found nowhere: as it is, and its bytes in other letters. */
const formsOf = (secret: string, encoding: "base64" | "base64url"): ReadonlyArray<string> => {
  const bytes = Buffer.from(secret, encoding)
  return [secret, bytes.toString("hex"), bytes.toString("base64"), bytes.toString("latin1")]
}

const places: ReadonlyArray<readonly [string, () => Promise<Place>]> = [
  ["memory", memoryPlace],
  ["SQLite", sqlitePlace],
  ...(lacksRedis ? [] : [["Redis", redisPlace] as const])
]

for (const [storeName, open] of places) {
  describe(`a life over ${storeName}`, () => {
    let place: Place

    beforeAll(async () => {
      place = await open()
    })

    afterAll(() => place.close())

    for (const [mountName, serving] of mounts) {
      it(`R41 leaves no secret in logs, spans, metrics, events, errors or the store, behind ${mountName}`, async () => {
        const namespace = aNamespace()
        const key = randomBytes(32).toString("base64")
        const [record, events] = [recording(), hearing()]
        const issued: Issued = { tokens: new Set(), csrf: new Set() }
        const secrets: Array<string> = []
        const life = async (server: Server) => {
          await live(server, issued)
          await server.run(SessionAdmin.revokeUser("ann", { namespace }))
        }
        await withLayer(serving, life, {
          store: place.layer,
          config: Layer.mergeAll(
            events.layer,
            record.layer,
            SessionConfig.layer({
              namespace,
              encrypt: { keys: [{ id: "k1", key: Redacted.make(key) }] }
            })
          )
        })
        const metrics = JSON.stringify(Effect.runSync(Metric.snapshot), (_key, value: unknown) =>
          typeof value === "bigint" ? value.toString() : value
        )
        for (const token of issued.tokens) secrets.push(...formsOf(token, "base64url"))
        for (const token of issued.csrf) {
          secrets.push(token, token.slice(0, -4))
        }
        secrets.push(...formsOf(key, "base64"), marker)
        const told = `${record.text()}\n${JSON.stringify(events.heard())}\n${metrics}`
        const dump = await place.dump()

        expect(issued.tokens.size).toBeGreaterThanOrEqual(4)
        expect(told).toContain("session event")
        expect(told).toContain("http.server")
        expect(told).toContain("effect_session_events")
        expect(told).toContain(tokenId([...issued.tokens][0] ?? "", namespace))
        for (const secret of secrets) {
          expect(told.includes(secret)).toBe(false)
          expect(dump.includes(secret)).toBe(false)
        }
      })
    }
  })
}

it("R29 the CSRF secret itself is in no token, answer or cookie", async () => {
  const place = await memoryPlace()
  const issued: Issued = { tokens: new Set(), csrf: new Set() }
  const texts: Array<string> = []
  let secret = ""
  await withLayer(
    router,
    async (server) => {
      const client = server.client()
      for (const deed of ["put", "token", "token"]) {
        const answer = await client.send(`/act?do=${deed}`)
        texts.push(answer.text, JSON.stringify([...answer.headers]))
      }
      const found = await server.run(
        Effect.flatMap(SessionStore.SessionStore, (store) =>
          store.find(tokenId(tokenOf(client), "session"))
        )
      )
      secret = Option.match(found, {
        onNone: () => "",
        onSome: ({ payload }) => JSON.parse(payload).c
      })
      issued.tokens.add(tokenOf(client))
    },
    { store: place.layer }
  )
  await place.close()

  expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(texts.join("\n")).not.toContain(secret)
  expect(issued.tokens.has(secret)).toBe(false)
})
