/**
 * Runs a store call in a fiber of its own that nobody interrupts, and waits for it at most so long, so that neither a
 * client that goes away nor a deadline cuts a commit in half.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { Service } from "../SessionStore.js"
import { SessionStoreError } from "./errors.js"
import { isSynchronous } from "./synchronous.js"

/** How long a request waits for the store, in milliseconds. */
export const deadlineMillis = 2000

/** How long a commit tries again: it ends with a conflict before the request gives it up. */
export const retryMillis = 1800

/**
 * Runs `effect` apart; after two seconds the caller goes on with a `timeout`, while the effect runs to its end. Whoever
 * must know that nobody waits any more passes `abandon`. A store that never waits is called where the caller stands.
 */
export const guarded = <A, E>(
  store: Service,
  operation: string,
  effect: Effect.Effect<A, E>,
  abandon?: () => void
): Effect.Effect<A, E | SessionStoreError> =>
  isSynchronous(store) ? Effect.uninterruptible(effect) : apart(operation, effect, abandon)

const apart = <A, E>(
  operation: string,
  effect: Effect.Effect<A, E>,
  abandon: (() => void) | undefined
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
      const timer = setTimeout(() => {
        abandon?.()
        resume(Effect.fail(new SessionStoreError({ operation, reason: "timeout" })))
      }, deadlineMillis)
      fiber.addObserver((ended: Exit.Exit<A, E>) => {
        clearTimeout(timer)
        resume(ended)
      })
    })
  })
