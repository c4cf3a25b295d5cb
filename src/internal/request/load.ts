/** From the cookie to the session of a request. Nothing that comes from outside can fail here; only the store can. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { arrivalAt } from "../../core/commit/arrival.js"
import { keepCookie } from "../../core/commit/model.js"
import { readCookie } from "../../core/http/cookie.js"
import type { SessionRecord } from "../../core/record/record.js"
import { tokenId } from "../../core/record/token.js"
import { clientOf, publishEvent, type RequestContext } from "../commit/RequestContext.js"
import { emptyLife, lifeAt, type Phase, RequestSession } from "../commit/RequestSession.js"
import { readRecord } from "../commit/readRecord.js"
import { SessionStoreError } from "../errors/errors.js"

/** Loads the session that a request's cookie names, if it names one. */
export const load = (
  request: RequestContext,
  cookieHeader: string | undefined
): Effect.Effect<RequestSession, SessionStoreError> => {
  const reading = readCookie(cookieHeader, request.settings.cookie.name)
  if (reading._tag === "none") return Effect.succeed(guest(request))
  if (reading._tag !== "token") return asInvalid(request, reading._tag)
  const { token } = reading
  const id = tokenId(token, request.settings.namespace)
  return Effect.matchEffect(request.store.find(id), {
    onSuccess: (found) =>
      Option.isSome(found)
        ? arrive(request, found.value, token, id)
        : asInvalid(request, "unknown"),
    // A record that the store cannot read counts as a payload that cannot be read.
    onFailure: (error) => (error.reason === "corrupt" ? corrupt(request, id, error) : error)
  })
}

const arrive = (
  request: RequestContext,
  record: SessionRecord,
  token: string,
  id: string
): Effect.Effect<RequestSession, SessionStoreError> => {
  const arrival = arrivalAt(record, (one) => readRecord(request, one), token, id)
  switch (arrival._tag) {
    case "Found":
      return Effect.succeed(new RequestSession(request, lifeAt(arrival.at)))
    case "Retired": {
      const retired = new RequestSession(request, emptyLife(request, "retired", keepCookie, id))
      return arrival.unknownKey
        ? Effect.as(discarded(request, record.id, "unknown key"), retired)
        : Effect.succeed(retired)
    }
    case "Corrupt":
      return corrupt(
        request,
        record.id,
        new SessionStoreError({ operation: "find", reason: "corrupt" })
      )
  }
}

const guest = (request: RequestContext, phase: Phase = "open"): RequestSession =>
  new RequestSession(request, emptyLife(request, phase))

/** The session of a request that the middleware passes over. */
export const skipped = (request: RequestContext): RequestSession => guest(request, "skipped")

const asInvalid = (
  request: RequestContext,
  reason: "malformed" | "ambiguous" | "unknown"
): Effect.Effect<RequestSession> =>
  Effect.map(publishEvent(request, { _tag: "InvalidId", reason, ...clientOf(request, null) }), () =>
    guest(request)
  )

const corrupt = (request: RequestContext, id: string, error: SessionStoreError) =>
  request.settings.settings.onInvalidPayload === "discard"
    ? Effect.map(discarded(request, id, "corrupt"), () => guest(request))
    : Effect.fail(error)

const discarded = (request: RequestContext, id: string, reason: string) =>
  publishEvent(request, { _tag: "PayloadDiscarded", id, reason, ...clientOf(request, null) })
