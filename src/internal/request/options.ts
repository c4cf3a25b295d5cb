/** The options of the middleware. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Duration from "effect/Duration"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/**
 * What can be changed about the middleware. Where `commitOn` or `agesFlash` throws, the answer is a 500, and nothing that
 * is pending is committed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whether a request ages the flash. Default: every request but prefetches; `"navigation"`: only page loads
   * (`Sec-Fetch-Mode: navigate`, or a client that does not send it). Responses of 500 and above never do.
   */
  readonly agesFlash?:
    | "navigation"
    | ((request: Request, response: Response) => boolean)
    | undefined
  /** Requests that get an empty session, which is neither loaded nor stored. Default: none. */
  readonly skip?: ((request: Request) => boolean) | undefined
  /** Whether pending operations are committed. Default: status below 500. Never when the client went away (499). */
  readonly commitOn?: ((response: Response, request: Request) => boolean) | undefined
  /** Remembers the page of successful GET page loads for `Session.previousUrl`. Default false: it is a write a page. */
  readonly recordsPreviousUrl?: boolean | undefined
  /**
   * Lets one request of a session run at a time, over all processes, for routes that must not run twice at once. Others
   * wait for at most `wait`, then get 409 with `Retry-After`. The lease ends with the commit, or with the request where a
   * deadline outside the middleware answers it. It is not renewed, so a request that runs longer than `hold` may get
   * company, and one whose process was killed blocks nobody for longer. A visitor without a stored session is not held
   * up. Each such request costs five store calls, a few more where `hold` reaches over midnight UTC. Default: off.
   */
  readonly serialize?:
    | { readonly wait: Duration.DurationInput; readonly hold: Duration.DurationInput }
    | undefined
}
