/** The options of the middleware. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Duration from "effect/Duration"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/**
 * What can be changed about the middleware.
 *
 * If `commitOn` or `agesFlash` throws, the answer is 500, and nothing that is pending is committed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whether a request ages the flash. Default: every request but prefetches.
   *
   * `"navigation"`: only page loads (`Sec-Fetch-Mode: navigate`, or a client that does not send that header). A response of
   * 500 or above never ages it.
   */
  readonly agesFlash?:
    | "navigation"
    | ((request: Request, response: Response) => boolean)
    | undefined
  /** Requests that get an empty session, which is neither loaded nor stored. Default: none. */
  readonly skip?: ((request: Request) => boolean) | undefined
  /**
   * Whether pending operations are committed. Default: where the status is below 500.
   *
   * They are never committed when the client went away before the response (499).
   */
  readonly commitOn?: ((response: Response, request: Request) => boolean) | undefined
  /**
   * Whether responses to a user who is logged in get `Cache-Control: private, no-store`, where the app has set no
   * `Cache-Control`. Default: true, so that no cache keeps a copy.
   */
  readonly noStoreForUsers?: boolean | undefined
  /** Remembers the last page for `Session.previousUrl`: successful page loads by GET. Default: false. It is a write a page. */
  readonly recordsPreviousUrl?: boolean | undefined
  /**
   * Runs one request of a session at a time, over all servers: for routes that must not run twice at once. Default: off.
   *
   * Other requests wait for at most `wait`, then get a 409 with `Retry-After`. A visitor without a stored session does not
   * wait.
   *
   * The lock is a field of the session itself, so a request costs three store calls: one finds the session, one takes the
   * lock, and the commit at the end gives it back.
   *
   * The lock is not renewed and lapses after `hold`, whatever became of its request: a request that runs longer may overlap
   * with the next one. It also lapses where a timeout outside the middleware answers the request.
   */
  readonly serialize?:
    | { readonly wait: Duration.DurationInput; readonly hold: Duration.DurationInput }
    | undefined
}
