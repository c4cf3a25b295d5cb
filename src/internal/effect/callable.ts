/** A layer or an effect that is also the function that makes it with options. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Makes `make` a layer as well: the one that it gives without options. */
export const callable = <Options, A, E, R>(
  make: (options?: Options) => Layer.Layer<A, E, R>
): Layer.Layer<A, E, R> & ((options?: Options) => Layer.Layer<A, E, R>) =>
  inheriting((options?: Options) => make(options), Layer.suspend(make))

/** Makes `make` an effect as well: the one that it gives without options. */
export const callableEffect = <Options, A, E, R>(
  make: (options?: Options) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> & ((options?: Options) => Effect.Effect<A, E, R>) =>
  inheriting((options?: Options) => make(options), Effect.suspend(make))

/** The function inherits everything from what it also is, as the class of a tag inherits from the tag. */
const inheriting = <F extends object, T>(make: F, plain: T): T & F =>
  // Untyped by the platform: a function that inherits from a layer or an effect is both.
  Object.setPrototypeOf(make, plain as object)
