/** The routes of the administrator. Each lets nobody else in. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Session, SessionAdmin } from "effect-session"
import { admin } from "./admin.js"
import { count } from "./html.js"
import { currentUser, field, form, goTo, page } from "./page.js"
import * as Pages from "./pages.js"
import { type User, Users } from "./users.js"

const refused = Pages.message(
  "No entry",
  "This page is for the administrator, who is the first account of the shop."
)

/** Runs a route for the administrator alone. */
const forAdmin = <A, E, R>(route: (user: User) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const users = yield* Users
    const user = yield* currentUser
    if (Option.isNone(user)) return yield* goTo("/login", "bad", "Please log in to see this page.")
    return users.isAdmin(user.value)
      ? yield* route(user.value)
      : yield* page("No entry", refused, 403)
  })

const show = forAdmin((user) =>
  Effect.gen(function* () {
    const users = yield* Users
    const active = yield* SessionAdmin.active({ within: "15 minutes" })
    const report = {
      active: [...active].sort((a, b) => b.lastActivity.epochMillis - a.lastActivity.epochMillis),
      hours: yield* SessionAdmin.hourly({ within: "23 hours" }),
      usage: yield* SessionAdmin.usage,
      nameOf: (id: string) =>
        Option.match(users.find(id), { onNone: () => "Unknown user", onSome: ({ name }) => name }),
      own: { session: yield* Session.id, user: user.id },
      now: yield* DateTime.now
    }
    return yield* page("Who is here", admin(report, yield* field))
  })
)

const endSession = forAdmin(() =>
  Effect.gen(function* () {
    const ended = yield* SessionAdmin.revoke((yield* form)("id"))
    return ended
      ? yield* goTo("/admin", "good", "The session was ended.")
      : yield* goTo("/admin", "bad", "That session had already ended.")
  })
)

const logOutUser = forAdmin(() =>
  Effect.gen(function* () {
    const ended = yield* SessionAdmin.revokeUser((yield* form)("user"))
    return ended === 0
      ? yield* goTo("/admin", "bad", "That user was not logged in any more.")
      : yield* goTo("/admin", "good", `The user was logged out on ${count(ended, "device")}.`)
  })
)

/** The page of the administrator and its two buttons. */
export const adminRoutes = HttpRouter.empty.pipe(
  HttpRouter.get("/admin", show),
  HttpRouter.post("/admin/end", endSession),
  HttpRouter.post("/admin/log-out-user", logOutUser)
)
