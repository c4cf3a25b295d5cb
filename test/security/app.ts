/** The app of the security tests, and how it is served over a place. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Request from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { tokenId } from "../../src/core/record/token.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionStore from "../../src/SessionStore.js"
import { type Client, cookieName, json, pages, type Server, withApp } from "../http/support.js"
import type { Place } from "./places.js"

/** A parameter of the request's query. */
export const asked = (name: string) =>
  Effect.map(
    Request.HttpServerRequest,
    ({ url }) => new URL(url, "http://localhost").searchParams.get(name) ?? ""
  )

export type Handler = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  Session.Session | SessionStore.SessionStore | HttpServerRequest.HttpServerRequest
>

export const ok = HttpServerResponse.text("ok")

const put = Effect.flatMap(Effect.all([asked("k"), asked("v")]), ([key, value]) =>
  Session.put(key, value)
)

export const routes: Readonly<Record<string, Handler>> = {
  "/": Effect.succeed(ok),
  "/all": json(Session.all),
  "/put": Effect.as(put, ok),
  "/increment": json(Session.increment("n")),
  "/login": Effect.as(Effect.flatMap(asked("user"), Session.login), ok),
  "/logout": Effect.as(Session.logout, ok),
  "/destroy-and-fail": Effect.zipRight(Session.destroy, Effect.fail("afterwards")),
  "/regenerate": json(Session.regenerate),
  "/migrate": json(Session.migrate()),
  "/user": json(Effect.map(Session.userId, (user) => user._tag === "Some" && user.value)),
  "/id": json(Session.id),
  "/revoke-others": json(SessionAdmin.revokeOthers),
  "/redirect": Effect.as(put, HttpServerResponse.redirect("/all"))
}

export interface Serving {
  readonly config?: SessionConfig.Options
  readonly routes?: Readonly<Record<string, Handler>>
  /** Merged under the configuration: a clock, a hub, a logger. */
  readonly surroundings?: Layer.Layer<never>
  /** Changes the store that the server is given. */
  readonly store?: (store: SessionStore.Service) => SessionStore.Service
}

/** Serves the app over a place until the test has ended. */
export const serve = (
  place: Place,
  test: (server: Server) => Promise<void>,
  { config = {}, routes: more = {}, store, surroundings = Layer.empty }: Serving = {}
): Promise<void> =>
  withApp(pages({ ...routes, ...more }), test, {
    store:
      store === undefined
        ? place.layer
        : Layer.effect(
            SessionStore.SessionStore,
            Effect.map(SessionStore.SessionStore, store)
          ).pipe(Layer.provide(place.layer)),
    config: Layer.merge(surroundings, SessionConfig.layer(config))
  })

/** Serves the app twice over a place, as two servers. */
export const serveTwice = (
  place: Place,
  test: (first: Server, second: Server) => Promise<void>,
  serving?: Serving
): Promise<void> =>
  serve(place, (first) => serve(place, (second) => test(first, second), serving), serving)

let namespaces = 0

/** A namespace of its own, so that tests on one store do not see each other's sessions. */
export const aNamespace = (): string => `n${process.pid}-${++namespaces}`

/** The token of a client's cookie. */
export const tokenOf = (client: Client): string => {
  const [, token] = (client.cookie ?? "").split(`${cookieName}=`)
  if (token === undefined || token === "") throw new Error("The client has no session cookie.")
  return token
}

export const cookieOf = (token: string): string => `${cookieName}=${token}`

/** The record a client's cookie leads to, as the store gives it. */
export const recordOf = (server: Server, token: string, namespace: string) =>
  server.run(
    Effect.flatMap(SessionStore.SessionStore, (store) => store.find(tokenId(token, namespace)))
  )

/** How many live sessions a namespace has. */
export const rowsOf = (server: Server, namespace: string): Promise<number> =>
  server.run(SessionAdmin.countActive({ within: "2 days", namespace }))

/** A client with a session that holds `a`. */
export const aVisitor = async (server: Server, a = "1"): Promise<Client> => {
  const client = server.client()
  await client.send(`/put?k=a&v=${a}`)
  return client
}

/** A client who is logged in. */
export const aMember = async (server: Server, user: string): Promise<Client> => {
  const client = server.client()
  const answer = await client.send(`/login?user=${encodeURIComponent(user)}`)
  if (answer.status !== 200) throw new Error(`The login was answered with ${answer.status}.`)
  return client
}
