import { createServer } from "node:http"
import { HttpApiBuilder, HttpApiSwagger, HttpServer } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Option } from "effect"
import { Csrf, Session, SessionGc, SessionMiddleware, SessionStore } from "effect-session"
import * as GracefulHttpServer from "effect-session/GracefulHttpServer"
import * as SessionHttpApi from "effect-session/SessionHttpApi"
import { CurrentUser, ForMembers, Shop, WrongPassword } from "./api.js"

// Stands for your own check of a password.
const verify = (name: string, password: string) =>
  password === "secret" ? Option.some({ id: `user-${name}` }) : Option.none()

const VisitorsLive = HttpApiBuilder.group(Shop, "visitors", (handlers) =>
  handlers
    .handle("visit", () =>
      Effect.all({ csrfToken: Session.csrfToken, message: Session.get("message") })
    )
    .handle("login", ({ payload }) =>
      Effect.gen(function* () {
        const user = verify(payload.name, payload.password)
        if (Option.isNone(user)) return yield* new WrongPassword()
        yield* SessionHttpApi.orUnavailable(Session.login(user.value.id))
        yield* Session.flash("message", `Welcome, ${payload.name}.`)
      })
    )
    .handle("logout", () => SessionHttpApi.orUnavailable(Session.logout))
)

const MembersLive = HttpApiBuilder.group(Shop, "members", (handlers) =>
  handlers.handle("account", () => Effect.map(CurrentUser, ({ id }) => ({ userId: id })))
)

const ForMembersLive = Layer.effect(
  ForMembers,
  Effect.map(
    SessionHttpApi.withSession(Effect.map(Session.requireUser, (id) => ({ id }))),
    // The session middleware has read the cookie already.
    (user) => ({ session: () => user })
  )
)

HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiSwagger.layer({ path: "/docs" })),
  Layer.provide(HttpApiBuilder.api(Shop)),
  Layer.provide([VisitorsLive, MembersLive]),
  Layer.provide([ForMembersLive, Csrf.layerHttpApi]),
  Layer.provide(SessionMiddleware.layerHttpApi),
  HttpServer.withLogAddress,
  Layer.provide(GracefulHttpServer.layer(createServer, { port: Number(process.env.PORT ?? 3000) })),
  Layer.provide(SessionGc.layer),
  Layer.provide(SessionStore.layerMemory),
  Layer.launch,
  NodeRuntime.runMain
)
