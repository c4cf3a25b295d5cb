/** A hub has functions in Effect 4 where it had methods. */
import ts from "typescript"
import { argumentsOf, type CallRule, type Rules } from "./rule.js"

const onHub =
  (print: (hub: string, given: ReadonlyArray<string>, pubsub: string) => string): CallRule =>
  (call, p) =>
    ts.isPropertyAccessExpression(call.expression)
      ? print(
          p.print(call.expression.expression),
          call.arguments.map(p.print),
          p.use("effect/PubSub")
        )
      : p.refuse(call, "Only known as a method.")

export const calls: Rules<CallRule> = {
  "effect/Queue#BaseQueue.isActive": onHub(
    (hub, _given, pubsub) => `!${pubsub}.isShutdownUnsafe(${hub})`
  ),
  "effect/Queue.takeAll": (call, p) => {
    // It would wait for the first.
    const pubsub = p.use("effect/PubSub")
    return `${pubsub}.takeUpTo(${argumentsOf(call, [1], p)}, Number.POSITIVE_INFINITY)`
  },
  "effect/Queue#Enqueue.unsafeOffer": onHub(
    (hub, given, pubsub) => `${pubsub}.publishUnsafe(${hub}, ${given.join(", ")})`
  )
}
