/** The handlers of the dashboard's routes. Each but the style sheet asks the guard before anything else. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Csrf from "../../Csrf.js"
import { askFor, end } from "./end.js"
import { answer, message, type Page } from "./layout.js"
import { type Links, queryIn, targetOf } from "./links.js"
import { type Needs, pageFor, storeAway } from "./look.js"
import { type Options, prepare } from "./options.js"
import { style } from "./style.js"

/** What every route needs, and how it can fail: as the guard says. */
type Handler<E, R> = HttpApp.Default<E, Needs<R>>

/** The handlers, and the paths that they are for. */
export interface Routes<E, R> {
  readonly links: Links
  readonly style: HttpApp.Default
  readonly look: Handler<E, R>
  readonly ask: Handler<E, R>
  readonly end: Handler<E, R>
}

/** Makes the handlers. Throws a `SessionConfigError` where the options cannot be used. */
export const routesOf = <E, R, NamesR, HistoryR>(
  options: Options<E, R, NamesR, HistoryR>
): Routes<E, R | NamesR | HistoryR> => {
  const dashboard = prepare(options)
  const { home, links } = dashboard
  const query = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => queryIn(url))
  const answering = <E1, R1>(page: (query: URLSearchParams) => Effect.Effect<Page, E1, R1>) =>
    Effect.gen(function* () {
      const operator = yield* options.guard
      return answer({ links, home, operator }, yield* page(yield* query))
    })

  const refused = Csrf.middlewareWith({
    onRejected: () =>
      answering(() => Effect.succeed(message(links, "Nothing was ended", tooOld, 403)))
  })
  const ending = Effect.gen(function* () {
    const operator = yield* options.guard
    const done = yield* Effect.either(end(dashboard, targetOf(yield* query), operator))
    if (done._tag === "Right") return HttpServerResponse.redirect(done.right, { status: 303 })
    return answer({ links, home, operator }, yield* storeAway(dashboard, done.left))
  })

  return {
    links,
    style: styleSheet,
    look: answering((query) => pageFor(dashboard, query)),
    ask: answering((query) => askFor(dashboard, targetOf(query))),
    end: refused(ending)
  }
}

const tooOld =
  "The form was open for too long, or it was sent from another site. Please go back and try again."

const styleSheet = Effect.succeed(
  HttpServerResponse.text(style, {
    headers: {
      "cache-control": "private, max-age=3600",
      "content-type": "text/css; charset=utf-8",
      "x-content-type-options": "nosniff"
    }
  })
)
