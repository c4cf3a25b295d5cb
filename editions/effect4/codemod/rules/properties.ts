/** Properties of Effect's values that have another name, read, given in an object or taken from one. */
import type { ReadRule, Rules } from "./rule.js"

export const properties: Rules<string> = {
  "@effect/platform/HttpApiEndpoint#.path": "params",
  "@effect/platform/HttpApiEndpoint#.urlParams": "query",
  "effect/Clock#Clock.unsafeCurrentTimeMillis": "currentTimeMillisUnsafe",
  "effect/Clock#Clock.unsafeCurrentTimeNanos": "currentTimeNanosUnsafe",
  "effect/DateTime#Utc.epochMillis": "epochMilliseconds",
  "effect/Effect#Latch.unsafeClose": "closeUnsafe",
  "effect/Effect#Latch.unsafeOpen": "openUnsafe",
  "effect/Either#.onLeft": "onFailure",
  "effect/Either#.onRight": "onSuccess",
  "effect/Either#Left.left": "failure",
  "effect/Either#Right.right": "success",
  "effect/Fiber#RuntimeFiber.currentContext": "context",
  "effect/Fiber#RuntimeFiber.unsafeInterruptAsFork": "interruptUnsafe",
  "effect/ManagedRuntime#ManagedRuntime.runtime": "context",
  // It skips more in Effect 3: Effect 4 still looks at the shape of what it is given.
  "effect/Schema#.disableValidation": "disableChecks"
}

/** Properties that have become something else. */
export const reads: Rules<ReadRule> = {
  "effect/Fiber#Fiber.await": (fiber, p) => `${p.use("effect/Fiber")}.await(${fiber})`,
  // Taking all would wait for the first.
  "effect/Queue#BaseDequeue.takeAll": (queue, p) =>
    `${p.use("effect/PubSub")}.takeUpTo(${queue}, Number.POSITIVE_INFINITY)`,
  "effect/Queue#Dequeue.takeAll": (queue, p) =>
    `${p.use("effect/PubSub")}.takeUpTo(${queue}, Number.POSITIVE_INFINITY)`,
  "@effect/platform/Socket#Socket.writer": (socket, p) =>
    `${p.useOwn("./test/support/effect3.js", "Effect3")}.writerOf(${socket})`
}
