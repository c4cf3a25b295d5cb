import ts from "typescript"
import type { Printer } from "../printer.js"
import {
  argumentsOf,
  type CallRule,
  dual,
  given,
  type NameRule,
  type NodeRule,
  type Rules
} from "./rule.js"

/** `repeatN(3)` is `repeat({ times: 3 })`. */
const repeatN: CallRule = (call, p) => {
  const { more, self } = dual(call, 1, p)
  return `${p.use("effect/Effect")}.repeat(${[...self, `{ times: ${more[0]} }`].join(", ")})`
}

/** Provides one of the services that Effect 3 has a function of its own for. */
const providing =
  (module: string, service: string): CallRule =>
  (call, p) => {
    const { more, self } = dual(call, 1, p)
    const tag = `${p.use(module)}.${service}`
    return `${p.use("effect/Effect")}.provideService(${[...self, tag, ...more].join(", ")})`
  }

/** A defect with a message: Effect 4 has no word for it. */
const dying = (message: string | undefined, p: Printer): string =>
  `${p.use("effect/Effect")}.die(new Error(${message}))`

const filterOrDieMessage: CallRule = (call, p) => {
  const { more, self } = dual(call, 2, p)
  const otherwise = `() => ${dying(more[1], p)}`
  return `${p.use("effect/Effect")}.filterOrElse(${[...self, more[0], otherwise].join(", ")})`
}

/** Effect 4 takes an Effect only; anything else ends the fiber with a defect, where the types do not see it. */
const tap: CallRule = (call, p) => {
  const given = call.arguments.at(-1)
  if (given === undefined || !givesEffect(given, p.checker)) {
    p.refuse(call, "What Effect.tap runs must be an Effect.")
  }
  return p.plain(call)
}

const givesEffect = (node: ts.Expression, checker: ts.TypeChecker): boolean => {
  const type = checker.getTypeAtLocation(node)
  const [signature] = type.getCallSignatures()
  const result = signature === undefined ? type : checker.getReturnTypeOfSignature(signature)
  const parts = result.isUnion() ? result.types : [result]
  return parts.every((part) =>
    part.getProperties().some(({ name }) => name.startsWith("__@EffectTypeId"))
  )
}

/** `tap` runs one effect after the other, as `zipLeft` does; side by side is for `zipWith`. */
const zipLeft: CallRule = (call, p) => {
  const [self, other, options] = argumentsOf(call, [1, 2, 3], p)
  const effect = p.use("effect/Effect")
  if (options !== undefined)
    return `${effect}.zipWith(${self}, ${other}, (first) => first, ${options})`
  return `${effect}.tap(${[self, other].filter((one) => one !== undefined).join(", ")})`
}

/** The function is bound to `this` by an option. */
const gen: CallRule = (call, p) => {
  const [self] = call.arguments
  if (self?.kind !== ts.SyntaxKind.ThisKeyword) return p.plain(call)
  return `${p.use("effect/Effect")}.gen({ self: this }, ${argumentsOf(call, [2], p)[1]})`
}

const transposeMapOption: CallRule = (call, p) => {
  const { more, self } = dual(call, 1, p)
  const effect = p.use("effect/Effect")
  const cases = `{ onNone: () => ${effect}.succeedNone, onSome: (value) => ${effect}.asSome((${more[0]})(value)) }`
  return `${p.use("effect/Option")}.match(${[...self, cases].join(", ")})`
}

/** A generator yields effects as they are. */
const yieldWrap: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Utils.YieldWrap") return undefined
  const [effect] = node.typeArguments ?? []
  return effect === undefined
    ? p.refuse(node, "YieldWrap is only known of a type.")
    : p.print(effect)
}

/** Where the exit of what is interrupted is used, it has to be asked for. */
const interrupted: NodeRule = (node, p) => {
  if (!ts.isYieldExpression(node) || !ts.isVariableDeclaration(node.parent)) return undefined
  const call = node.expression
  if (call === undefined || !ts.isCallExpression(call)) return undefined
  if (p.origin.exported(call.expression) !== "effect/Fiber.interrupt") return undefined
  const [fiber] = argumentsOf(call, [1], p)
  const module = p.use("effect/Fiber")
  return `yield* ${p.use("effect/Effect")}.andThen(${module}.interrupt(${fiber}), ${module}.await(${fiber}))`
}

/** What is read of a hub. */
const subscription: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Queue.Dequeue") return undefined
  return `${p.use("effect/PubSub", false)}.Subscription<${node.typeArguments?.map(p.print).join() ?? ""}>`
}

export const nodes: ReadonlyArray<NodeRule> = [yieldWrap, interrupted, subscription]

const timeoutTo: CallRule = (call, p) => {
  const options = call.arguments.at(-1)
  const [duration, onSuccess, onTimeout] = ["duration", "onSuccess", "onTimeout"].map((name) => {
    const value = given(options, name)
    return value === undefined
      ? p.refuse(call, `Effect.timeoutTo is not known without ${name}.`)
      : p.print(value)
  })
  const effect = p.use("effect/Effect")
  const bounded = (self: string) =>
    `${effect}.timeoutOrElse(${effect}.map(${self}, ${onSuccess}), {
      duration: ${duration}, orElse: () => ${effect}.sync(${onTimeout}) })`
  const [self] = call.arguments
  return self === undefined || call.arguments.length === 1
    ? `<A, E, R>(self: ${effect}.Effect<A, E, R>) => ${bounded("self")}`
    : bounded(p.print(self))
}

const getOrElse: CallRule = (call, p) => {
  const [exit, otherwise] = argumentsOf(call, [2], p)
  const cases = `{ onSuccess: (value) => value, onFailure: ${otherwise} }`
  return `${p.use("effect/Exit")}.match(${exit}, ${cases})`
}

/** Why a fiber is interrupted: nothing public tells it. */
const fiberRef: CallRule = (call, p) => {
  const [ref] = call.arguments
  if (ref === undefined || p.origin.exported(ref) !== "effect/FiberRef.interruptedCause") {
    return p.refuse(call, "FiberRef.get is only known of interruptedCause.")
  }
  const cause = p.use("effect/Cause")
  const type = `{ readonly _interruptedCause?: ${cause}.Cause<never> }`
  return `${p.use("effect/Effect")}.withFiber((fiber) =>
    ${p.use("effect/Effect")}.succeed((fiber as unknown as ${type})._interruptedCause ?? ${cause}.empty))`
}

/** Every source of variables is read as the environment is. */
const fromMap: CallRule = (call, p) => {
  const [map] = call.arguments
  const entries =
    map !== undefined && ts.isNewExpression(map) && p.source(map.expression) === "Map"
      ? map.arguments?.[0]
      : undefined
  if (map === undefined) return p.refuse(call, "ConfigProvider.fromMap is only known with a map.")
  const env =
    entries !== undefined &&
    ts.isCallExpression(entries) &&
    p.source(entries.expression) === "Object.entries"
      ? entries.arguments.map(p.print).join()
      : `Object.fromEntries(${entries === undefined ? p.print(map) : p.print(entries)})`
  return `${p.use("effect/ConfigProvider")}.fromEnv({ env: ${env} })`
}

const minimumLogLevel: CallRule = (call, p) => {
  const { more, self } = dual(call, 1, p)
  const level = `${p.use("effect/References")}.MinimumLogLevel`
  return `${p.use("effect/Effect")}.provideService(${[...self, level, ...more].join(", ")})`
}

/** A console prints at once in Effect 4; in Effect 3 it gives effects. */
const withConsole: CallRule = (call, p) => {
  const given = call.arguments.at(-1)
  const self = call.arguments.slice(0, -1).map(p.print)
  const effect = p.use("effect/Effect")
  const console =
    given !== undefined && ts.isObjectLiteralExpression(given)
      ? `{ ${given.properties
          .map((property) =>
            ts.isPropertyAssignment(property)
              ? `${property.name.getText()}: (text: string) => ${effect}.runSync((${p.print(property.initializer)})(text))`
              : p.print(property)
          )
          .join(", ")} }`
      : given === undefined
        ? ""
        : p.print(given)
  const tag = `${p.use("effect/Console")}.Console`
  return `${effect}.provideService(${[...self, tag, console].join(", ")})`
}

export const calls: Rules<CallRule> = {
  "effect/ConfigProvider.fromMap": fromMap,
  "effect/Logger.withMinimumLogLevel": minimumLogLevel,
  "effect/Effect.withRandom": providing("effect/Random", "Random"),
  "effect/Random.fixed": (call, p) =>
    `${p.useOwn("./test/support/effect3.js", "Effect3")}.fixed(${argumentsOf(call, [1], p)})`,
  "effect/Fiber.interruptFork": (call, p) =>
    `${p.use("effect/Effect")}.forkDetach(${p.use("effect/Fiber")}.interrupt(${argumentsOf(call, [1], p)}))`,
  "effect/FiberRef.get": fiberRef,
  "effect/Effect.timeoutTo": timeoutTo,
  "effect/Exit.getOrElse": getOrElse,
  "effect/Fiber.getCurrentFiber": (call, p) => {
    argumentsOf(call, [0], p)
    return `${p.use("effect/Option")}.fromNullishOr(${p.use("effect/Fiber")}.getCurrent())`
  },
  "effect/Deferred.unsafeMake": (call, p) => {
    // No fiber has to be named.
    if (call.arguments.length !== 1) p.refuse(call, "Deferred.unsafeMake takes one argument.")
    const types = call.typeArguments?.map(p.print).join(", ") ?? ""
    return `${p.use("effect/Deferred")}.makeUnsafe${types === "" ? "" : `<${types}>`}()`
  },
  "effect/Clock.make": (call, p) => {
    argumentsOf(call, [0], p)
    return `${p.use("effect/Clock")}.Clock.defaultValue()`
  },
  "effect/Effect.orElseFail": (call, p) => {
    const { more, self } = dual(call, 1, p)
    return `${p.use("effect/Effect")}.mapError(${[...self, more[0]].join(", ")})`
  },
  "effect/Effect.consoleWith": (call, p) =>
    `${p.use("effect/Effect")}.flatMap(${p.use("effect/Console")}.Console, ${argumentsOf(call, [1], p)})`,
  "effect/Effect.dieMessage": (call, p) => dying(argumentsOf(call, [1], p)[0], p),
  "effect/Effect.filterOrDieMessage": filterOrDieMessage,
  "effect/Effect.gen": gen,
  "effect/Effect.repeatN": repeatN,
  "effect/Effect.tap": tap,
  "effect/Effect.transposeMapOption": transposeMapOption,
  "effect/Effect.unsafeMakeLatch": (call, p) =>
    `${p.use("effect/Latch")}.makeUnsafe(${argumentsOf(call, [0, 1], p)})`,
  "effect/Effect.unsafeMakeSemaphore": (call, p) =>
    `${p.use("effect/Semaphore")}.makeUnsafe(${argumentsOf(call, [1], p)})`,
  "effect/Effect.withClock": providing("effect/Clock", "Clock"),
  "effect/Effect.withConfigProvider": providing("effect/ConfigProvider", "ConfigProvider"),
  "effect/Effect.withConsole": withConsole,
  "effect/Effect.makeSemaphore": (call, p) =>
    `${p.use("effect/Semaphore")}.make(${argumentsOf(call, [1], p)})`,
  "effect/Effect.yieldNow": (call, p) =>
    `${p.use("effect/Effect")}.yieldNow${argumentsOf(call, [0], p)}`,
  "effect/Effect.zipLeft": zipLeft,
  "effect/Effect.zipRight": (call, p) =>
    `${p.use("effect/Effect")}.andThen(${argumentsOf(call, [1, 2], p).join(", ")})`
}

export const names: Rules<NameRule> = {
  "effect/Metric.snapshot": (_name, p) =>
    `${p.useOwn("./test/support/effect3.js", "Effect3")}.snapshot`,
  "effect/Effect.clock": (_name, p) => `${p.use("effect/Clock")}.Clock`,
  "effect/Effect.Effect.Success": (_name, p) => `${p.use("effect/Effect", false)}.Success`,
  "effect/Effect.Effect.Error": (_name, p) => `${p.use("effect/Effect", false)}.Error`,
  "effect/Effect.Effect.Context": (_name, p) => `${p.use("effect/Effect", false)}.Services`
}
