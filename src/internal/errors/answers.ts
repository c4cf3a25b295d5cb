/**
 * Small HTTP answers for errors that reach the server unhandled: a status, one sentence, nothing cached.
 * The one place outside the HTTP modules that knows about responses, so that errors can be `HttpServerRespondable`.
 */
import * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"

/** The symbol under which an error carries its response. */
export const symbol: typeof HttpServerRespondable.symbol = HttpServerRespondable.symbol

/** Builds the answer of an error: `status`, a sentence as text, `Cache-Control: no-store`, `Retry-After` with 503. */
export const response = (status: number, sentence: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(sentence, {
    status,
    headers:
      status === 503
        ? { "cache-control": "no-store", "retry-after": "1" }
        : { "cache-control": "no-store" }
  })

/** The answer where the store cannot be reached. */
export const storeAway = response(503, "The session store is unavailable.")

/** As `response`, as the Effect that `HttpServerRespondable` asks for. */
export const respond = (status: number, sentence: string) =>
  Effect.succeed(response(status, sentence))
