/**
 * What an HTTP client is told of an error: a status and one sentence, nothing cached. An error that reaches the server
 * unhandled is answered so, and an `HttpApi` that declares it describes it so. Outside the HTTP rooms, only this file knows
 * about responses.
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpBody from "@effect/platform/HttpBody"
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

const typedBodies = new WeakMap<HttpBody.HttpBody, HttpBody.HttpBody>()

/** The JSON that an `HttpApi` sends in place of the sentence of an answer; `undefined` for what is none. */
export const typedBodyOf = (body: HttpBody.HttpBody): HttpBody.HttpBody | undefined =>
  typedBodies.get(body)

/** Makes an answer. An `HttpApi` sends the tag of the error and these fields, so that its clients can decode what is declared. */
export const answer = (
  status: number,
  sentence: string,
  tag: string,
  fields: Readonly<Record<string, string>> = { message: sentence }
): Answer => {
  const told = response(status, sentence)
  typedBodies.set(told.body, HttpBody.unsafeJson({ _tag: tag, ...fields }))
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
  "Another request of this session came first. Please try again.",
  "SessionConflict",
  {
    operation: "commit",
    reason: "the change no longer fits, or too many requests wrote at once"
  }
)

/** The store cannot be reached. */
export const storeAway = answer(503, "The session store is unavailable.", "SessionUnavailable", {})

/** The session could not be stored for a reason of the program's own. */
export const unstored = answer(500, "The session could not be stored.", "SessionEncodeError")
