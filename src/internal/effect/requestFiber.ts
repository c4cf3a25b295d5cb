/**
 * What is done to the fiber of a request by hand: an app runs with more services, and with one more handler of its
 * response. `Effect.provideService` and the platform's own way cost a request three times as much.
 */

import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import type * as FiberRefs from "effect/FiberRefs"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import { type RunningFiber, serviceOf } from "./fiber.js"

/** The request that a fiber answers. */
export const requestOf = (fiber: RunningFiber): HttpServerRequest.HttpServerRequest =>
  serviceOf(fiber, HttpServerRequest.HttpServerRequest)

/**
 * True when the client went away before the handler ended. Where the platform does not interrupt a handler (an app without
 * a router, a route that is `uninterruptible`) the status does not tell.
 */
export const isAborted = (fiber: RunningFiber): boolean => {
  const cause = fiber.getFiberRef(FiberRef.interruptedCause)
  return (
    !Cause.isEmpty(cause) &&
    HashSet.has(Cause.interruptors(cause), HttpServerError.clientAbortFiberId)
  )
}

/** Logs warnings from outside an effect, also when the fiber has ended, with its loggers and annotations. */
export const warnIn =
  (fiber: RunningFiber) =>
  (sentence: string): void =>
    Effect.runSync(
      Effect.zipRight(Effect.setFiberRefs(fiber.getFiberRefs()), Effect.logWarning(sentence))
    )

/** What runs when the response of a request is there, before it leaves. */
export type ResponseHandler = HttpApp.PreResponseHandler

/** Adds a handler behind those that the request has. */
export const appendResponseHandler = HttpApp.appendPreResponseHandler

/** How an app is run. */
export interface Run<A, E, R> {
  readonly app: Effect.Effect<A, E, R>
  readonly handler: ResponseHandler
  /** Added behind the handlers that the app has added. */
  readonly last: ResponseHandler
  readonly onFailure: () => void
}

/**
 * Runs an app in the fiber of a request with more services and one more handler.
 *
 * Only an app that is interrupted may leave the services behind, in a fiber that has nothing to do any more but to answer
 * this request.
 */
export const runWith = <I, A, E, R>(
  fiber: RunningFiber,
  services: Context.Context<I>,
  { app, handler, last, onFailure }: Run<A, E, R>
): Effect.Effect<A, E, Exclude<R, I>> => {
  const outside = fiber.currentContext
  const handlers = withHandler(fiber, handler)
  const leave = <A1, E1>(exit: Exit.Exit<A1, E1>): Effect.Effect<A1, E1> => {
    const left = Effect.zipRight(changeReferences(setting(FiberRef.currentContext, outside)), exit)
    return fiber.getFiberRef(HttpApp.currentPreResponseHandlers) === handlers
      ? left
      : Effect.zipRight(appendResponseHandler(last), left)
  }
  const run = Effect.zipRight(
    changeReferences(
      setting(FiberRef.currentContext, Context.merge(outside, services)),
      setting(HttpApp.currentPreResponseHandlers, handlers)
    ),
    Effect.matchCauseEffect(app, {
      onFailure: (cause) => {
        onFailure()
        return leave(Exit.failCause(cause))
      },
      onSuccess: (value) => leave(Exit.succeed(value))
    })
  )
  // The services it lacked are there.
  return run as Effect.Effect<A, E, Exclude<R, I>>
}

type Handlers = Option.Option<ResponseHandler>

const withHandler = (fiber: RunningFiber, handler: ResponseHandler): Handlers => {
  const earlier = fiber.getFiberRef(HttpApp.currentPreResponseHandlers)
  return Option.some(
    Option.isNone(earlier)
      ? handler
      : (request, response) =>
          Effect.flatMap(earlier.value(request, response), (changed) => handler(request, changed))
  )
}

type Change = (id: FiberId.Single, refs: FiberRefs.FiberRefs) => void

/** Changes references of a fiber, in the copy of all of them that `updateFiberRefs` makes. */
const changeReferences = (...changes: ReadonlyArray<Change>): Effect.Effect<void> =>
  Effect.updateFiberRefs((id, refs) => {
    for (const change of changes) change(id, refs)
    return refs
  })

/** Sets a reference. Effect's own way makes one more copy, and compares the old value with the new one in depth. */
const setting =
  <A>(reference: FiberRef.FiberRef<A>, value: A): Change =>
  (id, { locals }) => {
    const stack = locals.get(reference) ?? []
    const earlier = stack[0]?.[0] === id ? stack.slice(1) : stack
    locals.set(reference, [[id, value], ...earlier])
  }
