/** What a request came from. It is the same in all attempts at a request, and through copies that a router makes of it. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** A request that was made by hand may have come from nothing. */
export const sourceOf = (request: HttpServerRequest.HttpServerRequest): object => {
  const { source } = request
  return typeof source === "object" && source !== null ? source : request
}
