/**
 * Runs a store call in a fiber of its own that nobody interrupts, and waits for it at most so long. A call that ends at
 * once, as those of the memory store do, costs no timer and no context switch.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import { SessionStoreError } from "./errors.js"

/** How long a request waits for the store, in milliseconds. */
export const deadlineMillis = 2000

/** Runs `effect` apart; after two seconds the caller goes on with a `timeout`, while the effect runs to its end. */
export const guarded = <A, E>(
  operation: string,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E | SessionStoreError> =>
  Effect.withFiberRuntime((parent) => {
    const runtime = Runtime.make({
      context: parent.currentContext,
      fiberRefs: parent.getFiberRefs(),
      runtimeFlags: Runtime.defaultRuntimeFlags
    })
    const fiber = Runtime.runFork(runtime)(effect)
    const exit = fiber.unsafePoll()
    if (exit !== null) return exit
    return Effect.async<A, E | SessionStoreError>((resume) => {
      const timer = setTimeout(
        () => resume(Effect.fail(new SessionStoreError({ operation, reason: "timeout" }))),
        deadlineMillis
      )
      fiber.addObserver((ended: Exit.Exit<A, E>) => {
        clearTimeout(timer)
        resume(ended)
      })
    })
  })
