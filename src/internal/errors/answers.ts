/**
 * What an HTTP client is told of an error: a status and one sentence, nothing cached. An error that reaches the server
 * unhandled is answered so, and an `HttpApi` that declares it describes it so. Outside the HTTP rooms, only this file knows
 * about responses.
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"

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

/** What a client is told of one kind of error. */
export interface Answer {
  readonly response: HttpServerResponse.HttpServerResponse
  /** The same as `HttpServerRespondable` asks for it. */
  readonly respond: Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** The same for the schema of the error, under a short name. */
  readonly annotations: <A>(identifier: string) => Schema.Annotations.Schema<A>
}

/** Makes an answer. */
export const answer = (status: number, sentence: string): Answer => {
  const told = response(status, sentence)
  return {
    response: told,
    respond: Effect.succeed(told),
    annotations: (identifier) =>
      HttpApiSchema.annotations({ status, identifier, description: sentence })
  }
}

/** Another request of the session came first. */
export const conflicted = answer(
  409,
  "Another request of this session came first. Please try again."
)

/** The store cannot be reached. */
export const storeAway = answer(503, "The session store is unavailable.")

/** The session could not be stored for a reason of the program's own. */
export const unstored = answer(500, "The session could not be stored.")

/** The program used the session in a wrong way. */
export const misused = answer(500, "The session could not be used.")
