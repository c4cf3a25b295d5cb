/** How contending processes spread. */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"

/** Waits a little, longer with each attempt and never more than 50 ms; the first two go on at once. */
export const backOff = (attempts: number): Effect.Effect<void> =>
  attempts <= 2 ? Effect.void : pause(() => 1 + Math.random() * longestMillis(attempts))

const longestMillis = (attempts: number): number => Math.min(50, 2 ** Math.min(attempts, 6))
