/** The beginning of a request: its session is opened, under a lease where that is asked for, and its end is prepared. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Cell, makeCell } from "../commit/cell.js"
import type { LeaseOptions } from "../commit/lease.js"
import type { SessionConflict, SessionStoreError } from "../errors/errors.js"
import { exitOf } from "../store/synchronous.js"
import { type placeOf, type Running, surround } from "./context.js"
import { atTheEnd, type EndOptions, leaveByUpgrade, type Opened, supersede } from "./end.js"
import { open } from "./load.js"
import type { Options } from "./options.js"
import { openAlone } from "./serialize.js"
import { watchUpgrade } from "./websocket.js"

/** Options with the durations worked out. */
export interface Ready extends EndOptions {
  readonly skip?: Options["skip"]
  readonly lease: LeaseOptions | undefined
}

/** The failed attempts of requests, by what the requests came from. */
export type Failed = WeakMap<object, Opened>

/** As `beginOnce`; what throws at once, such as a store's call, ends the effect. */
export const beginSafely: typeof beginOnce = (...request) => {
  try {
    return beginOnce(...request)
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Begins a request. Where the app is retried outside the middleware, the attempt that failed makes way. */
const beginOnce = (
  fiber: Running,
  place: typeof placeOf,
  options: Ready,
  failed: Failed
): ReturnType<typeof begin> => {
  const earlier = failed.get(sourceOf(fiber.currentContext))
  return earlier === undefined
    ? begin(fiber, place, options)
    : Effect.zipRight(
        supersede(earlier),
        Effect.tap(
          Effect.suspend(() => begin(fiber, place, options)),
          ({ opened }) => {
            // The connection stays what the earlier attempt has made of it.
            if (earlier.upgraded) leaveByUpgrade(opened, fiber)
          }
        )
      )
}

/** What a request came from is the same in all its attempts; a request that was made by hand may have come from nothing. */
export const sourceOf = (context: Context.Context<never>): object => {
  const request = Context.unsafeGet(context, HttpServerRequest.HttpServerRequest)
  const { source } = request
  return typeof source === "object" && source !== null ? source : request
}

/** A request that has its session. */
export interface Begun {
  readonly opened: Opened
  /** What is left to be added to the handlers of the request. */
  readonly handler: HttpApp.PreResponseHandler | undefined
}

/** Begins the request that runs in this fiber; a store that never waits is asked at once. */
export const begin = (
  fiber: Running,
  place: typeof placeOf,
  options: Ready
): Effect.Effect<Begun, SessionStoreError | SessionConflict> => {
  const surroundings = surround(fiber, place(fiber))
  const { request } = surroundings
  const { cookie } = request.headers
  if (options.skip?.(request) === true) {
    const opened = openedWith(makeCell(surroundings, "ephemeral"), undefined)
    return Effect.succeed({ opened, handler: undefined })
  }
  const watched = (opened: Opened): Opened => {
    watchUpgrade(request, () => leaveByUpgrade(opened, fiber))
    return opened
  }
  if (options.lease !== undefined) {
    return logged(
      openAlone(surroundings, cookie, options.lease, (cell, lease) => {
        const opened = watched(openedWith(cell, lease))
        const handler = atTheEnd(opened, options)
        return Effect.as(HttpApp.appendPreResponseHandler(handler), { opened, handler: undefined })
      })
    )
  }
  const begun = (cell: Cell): Begun => {
    const opened = watched(openedWith(cell, undefined))
    return { opened, handler: atTheEnd(opened, options) }
  }
  const opening = open(surroundings, cookie)
  const exit = exitOf(opening)
  return exit?._tag === "Success"
    ? Effect.succeed(begun(exit.value))
    : logged(Effect.map(opening, begun))
}

const openedWith = (cell: Cell, lease: Opened["lease"]): Opened => ({
  cell,
  lease,
  superseded: false,
  upgraded: false
})

const logged = <A, E extends { readonly _tag: string }>(
  opened: Effect.Effect<A, E | SessionStoreError>
) =>
  Effect.tapErrorTag(opened, "SessionStoreError", (error) =>
    Effect.logError("The session could not be loaded", error)
  )
