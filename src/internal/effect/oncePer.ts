/**
 * Effect builds a layer once for a whole app, wherever it is provided. A layer that reads its surroundings must not be built
 * so: the second place would get what the first one has read.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type RunningFiber, serviceOf } from "./fiber.js"

/**
 * Builds a layer once for each value of what it reads. Two places of an app that have the same client get the same store, and
 * two clients get two. (`Layer.fresh` would make a store for each place.)
 */
export const oncePer = <A, E, R>(
  read: (fiber: RunningFiber) => object,
  layer: Layer.Layer<A, E, R>
): Layer.Layer<A, E, R> => {
  const built = new WeakMap<object, Layer.Layer<A, E, R>>()
  const builtFor = (value: object) => {
    // Its parts must not be shared with those of another value, so it is built apart.
    const one = built.get(value) ?? Layer.scopedContext(Layer.build(layer))
    built.set(value, one)
    return one
  }
  // A fresh layer is evaluated wherever it is provided, in the fiber that builds the app around it.
  return Layer.fresh(
    Layer.suspend(() => {
      const fiber = Option.getOrThrow(Fiber.getCurrentFiber())
      const one = builtFor(read(fiber))
      const ofTheApp = serviceOf(fiber, Layer.CurrentMemoMap)
      return Layer.scopedContext(
        Effect.flatMap(Effect.scope, (scope) => Layer.buildWithMemoMap(one, ofTheApp, scope))
      )
    })
  )
}
