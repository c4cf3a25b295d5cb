/** What is done to the fiber of a request by hand: an app runs with more services, and with one more handler of its response. */

import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { type RunningFiber, serviceOf } from "./fiber.js"

/** The request that a fiber answers. */
export const requestOf = (fiber: RunningFiber): HttpServerRequest.HttpServerRequest =>
  serviceOf(fiber, HttpServerRequest.HttpServerRequest)

/**
 * True when the client went away before the handler ended. Where the platform does not interrupt a handler (an app without
 * a router, a route that is `uninterruptible`) the status does not tell.
 */
export const isAborted = (fiber: RunningFiber): boolean => {
  // Effect has no public way to ask a fiber why it is interrupted.
  const { _interruptedCause: cause } = fiber as RunningFiber & {
    readonly _interruptedCause?: Cause.Cause<never>
  }
  return (
    cause?.reasons.some(
      (reason) =>
        Cause.isInterruptReason(reason) && reason.annotations.has(HttpServerError.ClientAbort.key)
    ) === true
  )
}

/** Logs warnings from outside an effect, also when the fiber has ended, with its loggers and annotations. */
export const warnIn = ({ context }: RunningFiber): ((sentence: string) => void) => {
  const run = Effect.runSyncWith(context)
  return (sentence) => run(Effect.logWarning(sentence))
}

/** What runs when the response of a request is there, before it leaves. */
export type ResponseHandler = HttpEffect.PreResponseHandler

/** Adds a handler behind those that the request has. */
export const appendResponseHandler = (handler: ResponseHandler): Effect.Effect<void> =>
  Effect.withFiber(({ context }) => {
    HttpEffect.appendPreResponseHandlerUnsafe(context, handler)
    return Effect.void
  })

/** How an app is run. */
export interface Run<A, E, R> {
  readonly app: Effect.Effect<A, E, R>
  readonly handler: ResponseHandler
  /** Added behind the handlers that the app has added. */
  readonly last: ResponseHandler
  readonly onFailure: () => void
  /** The app was only interrupted: by a deadline outside, which answers for itself, or since its client is gone. */
  readonly onInterrupt: () => void
}

/** Runs an app in the fiber of a request with more services and one more handler. */
export const runWith = <I, A, E, R>(
  fiber: RunningFiber,
  services: Context.Context<I>,
  { app, handler, last, onFailure, onInterrupt }: Run<A, E, R>
): Effect.Effect<A, E, Exclude<R, I>> => {
  const outside = fiber.context
  HttpEffect.appendPreResponseHandlerUnsafe(outside, handler)
  fiber.setContext(withServices(outside, services))
  const run = Effect.onExitPrimitive(app, (exit) => {
    fiber.setContext(outside)
    HttpEffect.appendPreResponseHandlerUnsafe(outside, last)
    if (Exit.isSuccess(exit)) return undefined
    if (Cause.hasInterruptsOnly(exit.cause)) onInterrupt()
    onFailure()
    return undefined
  })
  // The services it lacked are there.
  return run as Effect.Effect<A, E, Exclude<R, I>>
}

/** Laid over the others one by one: `Context.merge` would copy all of them. */
const withServices = <R, I>(
  outside: Context.Context<R>,
  services: Context.Context<I>
): Context.Context<R | I> => {
  // It has the services it lacks when the loop is over.
  let all = outside as Context.Context<R | I>
  for (const [key, service] of services.mapUnsafe) {
    all = Context.add(all, Context.Service<I, unknown>(key), service)
  }
  return all
}
