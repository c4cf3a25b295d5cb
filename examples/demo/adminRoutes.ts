/** The dashboard, which shows the administrator who is here. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SessionDashboard } from "effect-session"
import { currentUser, goTo, page } from "./page.js"
import * as Pages from "./pages.js"
import { Users } from "./users.js"

const refused = Pages.message(
  "No entry",
  "This page is for the administrator, who is the first account of the shop."
)

/** Lets the administrator in, and answers everybody else. */
const guard = Effect.gen(function* () {
  const users = yield* Users
  const user = yield* currentUser
  if (Option.isNone(user)) {
    return yield* Effect.flip(goTo("/login", "bad", "Please log in to see this page."))
  }
  return users.isAdmin(user.value)
    ? user.value.name
    : yield* Effect.flip(page("No entry", refused, 403))
})

const namesOf = (ids: ReadonlyArray<string>) =>
  Effect.map(
    Users,
    ({ find }) =>
      new Map(
        ids.flatMap((id) => Option.toArray(Option.map(find(id), ({ name }) => [id, name] as const)))
      )
  )

/** The routes of the dashboard. */
export const adminRoutes = SessionDashboard.layer({
  path: "/admin",
  guard,
  namesOf,
  home: { href: "/", title: "Corner Shop" }
})
