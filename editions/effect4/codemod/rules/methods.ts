/** What had methods in Effect 3 and has functions in Effect 4, or other methods. */
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

/** The methods of a socket are functions of the tests. */
const onSocket =
  (name: string): CallRule =>
  (call, p) =>
    ts.isPropertyAccessExpression(call.expression)
      ? `${p.useOwn("./test/support/effect3.js", "Effect3")}.${name}(${[
          p.print(call.expression.expression),
          ...call.arguments.map(p.print)
        ].join(", ")})`
      : p.refuse(call, "Only known as a method.")

const fiberId: CallRule = (call, p) =>
  ts.isPropertyAccessExpression(call.expression)
    ? `${p.print(call.expression.expression)}.id`
    : p.refuse(call, "Only known as a method.")

/** A fiber that runs has no exit: null in Effect 3, undefined in Effect 4. */
const poll: CallRule = (call, p) =>
  ts.isPropertyAccessExpression(call.expression)
    ? `(${p.print(call.expression.expression)}.pollUnsafe() ?? null)`
    : p.refuse(call, "Only known as a method.")

export const calls: Rules<CallRule> = {
  "@effect/platform/Socket#Socket.run": onSocket("run"),
  "@effect/platform/Socket#Socket.runRaw": onSocket("runRaw"),
  "effect/Fiber#Fiber.id": fiberId,
  "effect/Fiber#RuntimeFiber.id": fiberId,
  "effect/Fiber#RuntimeFiber.unsafePoll": poll,
  "effect/Queue#BaseQueue.isActive": onHub(
    (hub, _given, pubsub) => `!${pubsub}.isShutdownUnsafe(${hub})`
  ),
  "effect/Queue.take": (call, p) => `${p.use("effect/PubSub")}.take(${argumentsOf(call, [1], p)})`,
  "effect/Queue.takeAll": (call, p) => {
    // It would wait for the first.
    const pubsub = p.use("effect/PubSub")
    return `${pubsub}.takeUpTo(${argumentsOf(call, [1], p)}, Number.POSITIVE_INFINITY)`
  },
  "effect/Queue#Enqueue.unsafeOffer": onHub(
    (hub, given, pubsub) => `${pubsub}.publishUnsafe(${hub}, ${given.join(", ")})`
  )
}
