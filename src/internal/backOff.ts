/** How contending processes spread. */
import * as Effect from "effect/Effect"

/** Waits a little, longer with each attempt and never more than 50 ms; the first two go on at once. */
// A real timer: nothing is decided by the wait.
export const backOff = (attempts: number): Effect.Effect<void> =>
  attempts <= 2
    ? Effect.void
    : Effect.async<void>((resume) => {
        const longest = Math.min(50, 2 ** Math.min(attempts, 6))
        const timer = setTimeout(() => resume(Effect.void), 1 + Math.random() * longest)
        return Effect.sync(() => clearTimeout(timer))
      })
