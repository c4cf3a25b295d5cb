/** Time in the tests: units in milliseconds, and the `TestClock`. */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** Lets the `TestClock` go on. */
export const pass = (millis: number): Effect.Effect<void> => TestClock.adjust(millis)

/** Looks twice: a millisecond before `millis` have passed, and when they have. */
export const aroundInstant = <A, E>(
  millis: number,
  look: Effect.Effect<A, E>
): Effect.Effect<readonly [before: A, at: A], E> =>
  Effect.all([Effect.zipRight(pass(millis - 1), look), Effect.zipRight(pass(1), look)])
