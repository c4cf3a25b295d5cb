/** Properties of Effect's values that have another name, read, given in an object or taken from one. */
import type { Rules } from "./rule.js"

export const properties: Rules<string> = {
  "effect/Clock#Clock.unsafeCurrentTimeMillis": "currentTimeMillisUnsafe",
  "effect/Clock#Clock.unsafeCurrentTimeNanos": "currentTimeNanosUnsafe",
  "effect/DateTime#Utc.epochMillis": "epochMilliseconds",
  "effect/Effect#Latch.unsafeClose": "closeUnsafe",
  "effect/Effect#Latch.unsafeOpen": "openUnsafe",
  "effect/Either#.onLeft": "onFailure",
  "effect/Either#.onRight": "onSuccess",
  "effect/Either#Left.left": "failure",
  "effect/Either#Right.right": "success",
  "effect/ManagedRuntime#ManagedRuntime.runtime": "context",
  "effect/Fiber#RuntimeFiber.currentContext": "context",
  // It skips more in Effect 3: Effect 4 still looks at the shape of what it is given.
  "effect/Schema#.disableValidation": "disableChecks"
}
