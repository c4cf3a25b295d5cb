/**
 * Runs a store call in a fiber of its own that nobody interrupts, and waits for it at most so long, so that neither a
 * client that goes away nor a deadline cuts a commit in half.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { isSynchronous } from "../store/synchronous.js"

/** How long a request waits for the store, in milliseconds. */
const deadlineMillis = 2000

/** How long a commit may wait for the earlier ones of its session, as long as they get done. */
const longestMillis = 10_000

/** How long a commit tries again: it ends with a conflict before the request gives it up. */
export const retryMillis = 1800

/** What a guarded call may want beside the two seconds. */
export interface Guard {
  /** Runs when nobody waits any more. */
  readonly abandon: () => void
  /** The instant, by `performance.now`, that the two seconds count from, when it is later than the call. */
  readonly since: () => number
}

/**
 * Runs `effect` apart; after two seconds the caller goes on with a `timeout`, while the effect runs to its end. A store
 * that never waits is called where the caller stands.
 */
export const guarded = <A, E>(
  store: Service,
  operation: string,
  effect: Effect.Effect<A, E>,
  guard?: Guard
): Effect.Effect<A, E | SessionStoreError> =>
  isSynchronous(store) ? Effect.uninterruptible(effect) : apart(operation, effect, guard)

const apart = <A, E>(
  operation: string,
  effect: Effect.Effect<A, E>,
  guard: Guard | undefined
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
      const cancel = whenOverdue(guard, () => {
        guard?.abandon()
        resume(Effect.fail(new SessionStoreError({ operation, reason: "timeout" })))
      })
      fiber.addObserver((ended: Exit.Exit<A, E>) => {
        cancel()
        resume(ended)
      })
    })
  })

/** Calls `giveUp` once two seconds have passed without progress; gives the way to call that off. */
const whenOverdue = (guard: Guard | undefined, giveUp: () => void): (() => void) => {
  const began = performance.now()
  const look = () => {
    const now = performance.now()
    const left = deadlineMillis - (now - Math.max(began, guard?.since() ?? 0))
    if (left > 0 && now - began < longestMillis) timer = setTimeout(look, left)
    else giveUp()
  }
  let timer = setTimeout(look, deadlineMillis)
  return () => clearTimeout(timer)
}
