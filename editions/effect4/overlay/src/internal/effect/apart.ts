/**
 * Runs an effect apart: in a fiber of its own, outside the caller's context, for at most so long.
 *
 * The context of a caller may hold what must not reach a store, an open transaction of the app for one. Only Effect's own
 * services go along: the clock, the loggers, the tracer.
 */

import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { type RunningFiber, surroundingsOf } from "./fiber.js"

/**
 * The mark of a fiber that runs apart, so that what runs in it needs no second fiber and no second timer. Its value is the
 * context of the caller.
 */
const Apart = Context.Service<"Apart", Context.Context<never>>("effect-session/Apart")

/** How long an effect may take apart, and what becomes of it. */
export interface Limits<E> {
  /** After so many milliseconds the caller goes on with the error, and the effect is interrupted. Infinity: never. */
  readonly millis: number
  readonly onTimeout: () => E
  /** What the interruption of the caller does to the effect: `leave` lets it run to its end. */
  readonly onInterrupt: "leave" | "interrupt"
}

/** Tells whether this fiber runs apart already: outside any context of the app, and under a time limit. */
export const isApart = ({ context }: RunningFiber): boolean => context.mapUnsafe.has(Apart.key)

/** The context of the code that made a call, also in the fiber that runs the call apart. */
export const callerContext = ({ context }: RunningFiber): Context.Context<never> =>
  context.mapUnsafe.get(Apart.key) ?? context

/** Runs `effect` apart. In a fiber that is apart already it runs right there, under the limits of that one. */
export const apart = <A, E, E2>(
  effect: Effect.Effect<A, E>,
  { millis, onInterrupt, onTimeout }: Limits<E2>
): Effect.Effect<A, E | E2> =>
  Effect.withFiber((caller) => {
    if (isApart(caller)) return effect
    const fiber = Effect.runForkWith(contextApart(caller))(effect)
    // A store that does not wait has answered by now.
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return exit
    return Effect.callback<A, E | E2>((resume) => {
      const interrupt = () => fiber.interruptUnsafe(caller.id)
      const giveUp = () => {
        resume(Effect.failSync(onTimeout))
        interrupt()
      }
      const timer = Number.isFinite(millis) ? setTimeout(giveUp, millis) : undefined
      fiber.addObserver((ended: Exit.Exit<A, E>) => {
        clearTimeout(timer)
        resume(ended)
      })
      // Without a handler of the interruption where there is nothing to do: it would cost as much as the fiber.
      if (onInterrupt === "leave") return
      return Effect.sync(() => {
        clearTimeout(timer)
        interrupt()
      })
    })
  })

const contextApart = ({ context }: RunningFiber): Context.Context<never> =>
  Context.add(surroundingsOf(context), Apart, context) as Context.Context<never>
