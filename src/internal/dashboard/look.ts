/** The pages that only look: the overview, a user, a session. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Session from "../../Session.js"
import * as SessionAdmin from "../../SessionAdmin.js"
import type { SessionStore } from "../../SessionStore.js"
import { collections } from "./collections.js"
import { type Counting, recently } from "./counting.js"
import { type Html, html, nothing } from "./html.js"
import { message, notice, type Page, wayBack } from "./layout.js"
import type { Shown } from "./links.js"
import { everybodysList, type Surroundings } from "./list.js"
import { type Dashboard, orNone } from "./options.js"
import { figures } from "./overview.js"
import { nameOf, ownerOf } from "./people.js"
import { type History, life, sessionPage, usersIn } from "./sessionPage.js"
import { userPage } from "./userPage.js"
import { count } from "./words.js"

/** What a page needs to be made. */
export type Needs<R> = R | Session.Session | SessionStore

/** The page that a query asks for. */
export const pageFor = <R>(
  dashboard: Dashboard<R>,
  query: URLSearchParams
): Effect.Effect<Page, never, Needs<R>> => {
  const id = query.get("session")
  const shown = {
    userId: query.get("user") || undefined,
    recent: query.get("active") === "1",
    after: query.get("after") ?? undefined
  }
  const page =
    id !== null
      ? oneSession(dashboard, id)
      : shown.userId === undefined
        ? overview(dashboard, shown)
        : oneUser(dashboard, shown.userId, shown)
  return Effect.map(page, (found) => ({
    ...found,
    main: html`${endedNotice(query.get("ended"))}${found.main}`
  }))
}

/** What was done before the redirect to this page. */
const endedNotice = (ended: string | null): Html => {
  if (ended === null || !/^\d{1,9}$/.test(ended)) return nothing
  const number = Number(ended)
  if (number === 0) return notice("bad", "Nothing was ended: there was nothing left to end.")
  return notice("good", `${count(number, "session")} ${number === 1 ? "was" : "were"} ended.`)
}

/** What every page says of sessions and users. */
export const surroundings = <R>(
  { links, namesOf }: Dashboard<R>,
  userIds: Iterable<string>
): Effect.Effect<Surroundings, never, R | Session.Session> =>
  Effect.all({
    links: Effect.succeed(links),
    names: namesOf(userIds),
    now: DateTime.now,
    own: Session.id
  })

const listed = <R>({ namespace }: Dashboard<R>, { after, recent, userId }: Shown) =>
  orNone(
    "The sessions could not be listed",
    SessionAdmin.page({
      namespace,
      userId,
      within: recent === true ? recently : undefined,
      limit: 50,
      after
    })
  )

const usersOf = (list: Option.Option<SessionAdmin.Page>): ReadonlyArray<string> =>
  Option.match(list, {
    onNone: () => [],
    onSome: ({ sessions }) => sessions.flatMap(({ userId }) => Option.toArray(userId))
  })

const overview = <R>(dashboard: Dashboard<R>, shown: Shown) =>
  Effect.gen(function* () {
    const [list, counting, collected] = yield* Effect.all(
      [listed(dashboard, shown), dashboard.counting, collections],
      { concurrency: "unbounded" }
    )
    const suspects = counting.last?.day.suspicious.map(({ userId }) => userId) ?? []
    const around = yield* surroundings(dashboard, [...usersOf(list), ...suspects])
    return {
      title: "Overview",
      main: html`<h1>Overview</h1>${figures(counting, collected, around.links, around.names)}${everybodysList(list, shown, around)}`,
      ...outcomeOf(list, counting)
    }
  })

/** While the first figures are counted, the browser comes back by itself. */
const outcomeOf = (
  list: Option.Option<SessionAdmin.Page>,
  { last, state }: Counting
): Partial<Page> => {
  if (Option.isNone(list) || (last === undefined && state === "failed")) return { status: 503 }
  return last === undefined ? { headers: { refresh: "3" } } : {}
}

const oneUser = <R>(dashboard: Dashboard<R>, userId: string, shown: Shown) =>
  Effect.gen(function* () {
    const list = yield* listed(dashboard, shown)
    const around = yield* surroundings(dashboard, [userId])
    return {
      title: nameOf(around.names, userId),
      main: userPage(userId, list, shown, around),
      status: Option.isNone(list) ? 503 : 200
    }
  })

const oneSession = <R>(dashboard: Dashboard<R>, id: string) =>
  Effect.gen(function* () {
    const { history: historyOf, links, namespace } = dashboard
    const found = yield* Effect.either(SessionAdmin.get(id, { namespace }))
    if (Either.isLeft(found)) return yield* storeAway(dashboard, found.left)
    const session = Option.getOrUndefined(found.right)
    const history: History = historyOf === undefined ? undefined : yield* historyOf(id)
    const owner = Option.toArray(Option.flatMap(found.right, ({ userId }) => userId))
    const around = yield* surroundings(dashboard, [...owner, ...usersIn(history)])
    if (session !== undefined) {
      return {
        title: `Session of ${ownerOf(around.names, session)}`,
        main: sessionPage(session, history, around)
      }
    }
    const past = history === undefined ? nothing : life(history, around)
    return {
      title: "No such session",
      status: 404,
      main: html`${wayBack(links)}<h1>No such session</h1><p class="lead">No live session has this id. It has ended, or it got a new id.</p>${past}`
    }
  })

/** The page for a store that could not be asked. The cause is for the log alone. */
export const storeAway = <R>({ links }: Dashboard<R>, error: unknown): Effect.Effect<Page> =>
  Effect.as(
    Effect.logWarning("The store could not be asked for the dashboard", error),
    message(
      links,
      "The store could not be asked",
      "Please try again. Details are in the log of the server.",
      503
    )
  )
