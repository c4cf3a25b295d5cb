/**
 * The session in an `HttpApi`. Its middleware runs the endpoint, and the types of Effect 4 say which middleware runs inside
 * of which, so a check finds the session as a handler does.
 */

import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Option from "effect/Option"
import { appendResponseHandler } from "../effect/requestFiber.js"

/** Runs a check before the endpoints of an `HttpApi`. */
export const checkInSession =
  <E, R>(_session: Option.Option<unknown>, check: Effect.Effect<void, E, R>) =>
  <A, E2, R2>(endpoint: Effect.Effect<A, E2, R2>): Effect.Effect<A, E | E2, R | R2> =>
    Effect.andThen(check, endpoint)

/** Tells the client of an error of the API to come back. Its response is made later, so the headers are added when that leaves. */
export const comeBackLater = appendResponseHandler((_request, response) =>
  Effect.succeed(
    HttpServerResponse.setHeaders(response, { "cache-control": "no-store", "retry-after": "1" })
  )
)
