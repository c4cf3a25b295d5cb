/**
 * The HTTP answers of errors that reach the server unhandled: a status, one sentence, nothing cached. Outside the HTTP
 * rooms, only this file knows about responses.
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

/** The answer where another request of the session came first. */
export const conflicted = response(
  409,
  "Another request of this session came first. Please try again."
)

/** The answer where the store cannot be reached. */
export const storeAway = response(503, "The session store is unavailable.")

/** As `response`, as the Effect that `HttpServerRespondable` asks for. */
export const respond = (status: number, sentence: string) =>
  Effect.succeed(response(status, sentence))
