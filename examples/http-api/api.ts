/** The definition of the API. A browser can share it: it needs nothing of Node. */
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware } from "@effect/platform"
import { Context, Schema } from "effect"
import * as SessionHttpApi from "effect-session/SessionHttpApi"

export class CurrentUser extends Context.Tag("CurrentUser")<
  CurrentUser,
  { readonly id: string }
>() {}

// A middleware of your own: only users pass. OpenAPI shows that its endpoints need the session's cookie.
export class ForMembers extends HttpApiMiddleware.Tag<ForMembers>()("ForMembers", {
  provides: CurrentUser,
  failure: SessionHttpApi.SessionUnauthenticated, // 401
  security: { session: SessionHttpApi.security }
}) {}

export class WrongPassword extends Schema.TaggedError<WrongPassword>()("WrongPassword", {}) {}

const visitors = HttpApiGroup.make("visitors")
  .add(
    HttpApiEndpoint.get("visit", "/visit").addSuccess(
      Schema.Struct({
        csrfToken: Schema.String,
        message: Schema.OptionFromNullOr(Schema.Unknown)
      })
    )
  )
  .add(
    HttpApiEndpoint.post("login", "/login")
      .setPayload(Schema.Struct({ name: Schema.String, password: Schema.String }))
      .addError(WrongPassword, { status: 401 })
      .addError(SessionHttpApi.SessionRefused) // 403
  )
  .add(HttpApiEndpoint.post("logout", "/logout"))

const members = HttpApiGroup.make("members")
  .add(
    HttpApiEndpoint.get("account", "/account").addSuccess(Schema.Struct({ userId: Schema.String }))
  )
  .middleware(ForMembers)

export class Shop extends HttpApi.make("shop")
  .add(visitors.middleware(SessionHttpApi.CsrfHttpApi).middleware(SessionHttpApi.HttpApi))
  .add(members.middleware(SessionHttpApi.CsrfHttpApi).middleware(SessionHttpApi.HttpApi)) {}
