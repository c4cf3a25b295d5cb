/** How this library waits in real time, whatever clock a test has set. */
import * as Effect from "effect/Effect"

/** Waits by the system's timer, not by Effect's clock; `millis` is asked anew by each run. */
export const pause = (millis: () => number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const timer = setTimeout(() => resume(Effect.void), millis())
    return Effect.sync(() => clearTimeout(timer))
  })

/** Lets everything else run that is due in this process. */
export const breathe: Effect.Effect<void> = Effect.async<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})
