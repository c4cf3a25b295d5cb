import { createServer } from "node:http"
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Option, Predicate, Schema } from "effect"
import { Csrf, Session, SessionGc, SessionMiddleware, SessionStore } from "effect-session"
import * as GracefulHttpServer from "effect-session/GracefulHttpServer"

// Stands for your own check of a password.
const verify = (name: string, password: string) =>
  password === "secret" ? Option.some({ id: `user-${name}` }) : Option.none()

// Handlers of members get the user from here.
class CurrentUser extends Context.Tag("CurrentUser")<CurrentUser, { readonly id: string }>() {}

const escape = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const textOf = (found: Option.Option<unknown>) =>
  escape(Option.getOrElse(Option.filter(found, Predicate.isString), () => ""))

const page = (body: string) =>
  Effect.gen(function* () {
    const message = textOf(yield* Session.get("message"))
    return HttpServerResponse.html(`<!doctype html><p role="status">${message}</p>${body}`)
  })

const goTo = (location: string, message: string) =>
  Effect.as(
    Session.flash("message", message), // the next page shows it, once
    HttpServerResponse.redirect(location, { status: 303 })
  )

const loginPage = HttpLayerRouter.add(
  "GET",
  "/login",
  Effect.gen(function* () {
    const name = textOf(yield* Session.old("name")) // what was typed the last time
    return yield* page(`<form method="post">
    ${yield* Csrf.field}
    <label>Name <input name="name" value="${name}"></label>
    <label>Password <input name="password" type="password"></label>
    <button>Log in</button>
  </form>`)
  })
)

const login = HttpLayerRouter.add(
  "POST",
  "/login",
  Effect.gen(function* () {
    const { name, password } = yield* HttpServerRequest.schemaBodyUrlParams(
      Schema.Struct({ name: Schema.String, password: Schema.String })
    )
    const user = verify(name, password)
    if (Option.isNone(user)) {
      yield* Session.flashInput({ name })
      return yield* goTo("/login", "Wrong name or password.")
    }
    yield* Session.login(user.value.id)
    return yield* goTo("/account", `Welcome, ${name}.`)
  })
)

const logout = HttpLayerRouter.add(
  "POST",
  "/logout",
  Effect.zipRight(Session.logout, goTo("/login", "You are logged out."))
)

const account = HttpLayerRouter.add(
  "GET",
  "/account",
  Effect.gen(function* () {
    const user = yield* CurrentUser
    return yield* page(`<h1>${escape(user.id)}</h1>
  <form method="post" action="/logout">${yield* Csrf.field}<button>Log out</button></form>`)
  })
)

// A middleware of your own: only users pass, guests are sent to the login.
const forMembers = HttpLayerRouter.middleware<{ provides: CurrentUser }>()((app) =>
  Effect.matchEffect(Session.requireUser, {
    onFailure: () => goTo("/login", "Please log in."),
    onSuccess: (id) => Effect.provideService(app, CurrentUser, { id })
  })
)

// A form that lay open for too long comes back with what was typed. What another site sends does not.
const onRejected = ({ fields, reason }: Csrf.Rejection) =>
  Effect.gen(function* () {
    if (reason !== "token") return HttpServerResponse.text("Not allowed.", { status: 403 })
    yield* Session.flashInput(yield* fields)
    return yield* goTo("/login", "The form was too old. Please send it again.")
  })

const members = account.pipe(Layer.provide(SessionMiddleware.inside(forMembers)))

const routes = Layer.mergeAll(loginPage, login, logout, members).pipe(
  Layer.provide(Csrf.layerWith({ onRejected })),
  Layer.provide(SessionMiddleware.layer) // after all that uses the session
)

HttpLayerRouter.serve(routes).pipe(
  Layer.provide(GracefulHttpServer.layer(createServer, { port: Number(process.env.PORT ?? 3000) })),
  Layer.provide(SessionGc.layer),
  Layer.provide(SessionStore.layerMemory),
  Layer.launch,
  NodeRuntime.runMain
)
